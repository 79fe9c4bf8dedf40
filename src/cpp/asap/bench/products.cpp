// Matrix products and convolutions, which arithmetic limits.
#include <cmath>

#include "asap/bench/cases.h"
#include "asap/kernels/reference.h"

namespace asap::bench {
namespace {

using namespace kernels;
using Buffer = AlignedBuffer<float>;

const Table& table() { return active(); }

Buffer integers(std::size_t size, std::uint64_t seed) {
  Buffer buffer = normal(size, seed);
  for (float& value : buffer.span()) value = std::round(value);
  return buffer;
}

struct Product {
  explicit Product(const Gemm& sizes)
      : gemm(sizes),
        a(normal(gemm.m * gemm.k, 1)),
        b(normal(gemm.k * gemm.n, 2)),
        bias(normal(gemm.n, 3)),
        c(gemm.m * gemm.n) {
    gemm.a = a.data(), gemm.b = b.data(), gemm.c = c.data();
    gemm.bias = gemm.activation != Activation::identity ? bias.data() : nullptr;
    scratch = Buffer(table().gemm_scratch(gemm));
    gemm.scratch = scratch.data();
  }

  void run() { table().gemm(gemm); }

  void check(const std::string& name) const {
    Buffer expected(c.size());
    reference::gemm(gemm.transpose_a, gemm.transpose_b, gemm.m, gemm.n, gemm.k, gemm.a, gemm.b, gemm.bias,
                    gemm.activation, expected.data());
    expect_close(name, c.span(), expected.span());
  }

  Gemm gemm;
  Buffer a, b, bias, c, scratch;
};

/// Samples in lanes, and as rows for the reference.
struct Images {
  Images(std::size_t samples, std::size_t features, Buffer values) : rows(std::move(values)), lanes(rows.size()) {
    table().lanes_from_rows(samples, features, rows.data(), lanes.data());
  }
  Buffer rows, lanes;
};

std::size_t whole_groups(std::size_t samples) { return (samples + table().lanes - 1) / table().lanes * table().lanes; }

/// A result in lanes as rows.
Buffer as_rows(std::size_t samples, const Buffer& lanes) {
  Buffer rows(lanes.size());
  table().rows_from_lanes(samples, lanes.size() / samples, lanes.data(), rows.data());
  return rows;
}

struct Convolved {
  Convolved(const Convolution& sizes, std::size_t samples)
      : c(sizes),
        n(whole_groups(samples)),
        groups(n / table().lanes),
        input(n, c.inputs(), normal(n * c.inputs(), 1)),
        d_output(n, c.outputs(), normal(n * c.outputs(), 2)),
        weights(normal(c.weights(), 3)),
        bias(normal(c.filters, 4)),
        output(n * c.outputs()),
        d_weights(c.weights()),
        d_bias(c.filters),
        d_input(n * c.inputs()),
        scratch(table().conv_backward_scratch(c)) {}

  void forward() {
    table().conv_forward(c, groups, input.lanes.data(), weights.data(), bias.data(), Activation::relu, output.data());
  }
  void backward_weights() {
    table().conv_backward_weights(c, groups, input.lanes.data(), d_output.lanes.data(), Write::replace,
                                  d_weights.data(), d_bias.data(), scratch.data());
  }
  void backward_data() {
    table().conv_backward_data(c, groups, d_output.lanes.data(), weights.data(), d_input.data(), scratch.data());
  }

  void check_forward(const std::string& name) const {
    Buffer expected(output.size());
    reference::conv_forward(c, n, input.rows.data(), weights.data(), bias.data(), Activation::relu, expected.data());
    expect_close(name, as_rows(n, output).span(), expected.span());
  }
  void check_backward_weights(const std::string& name) const {
    Buffer expected(d_weights.size()), expected_bias(d_bias.size());
    reference::conv_backward_weights(c, n, input.rows.data(), d_output.rows.data(), expected.data(),
                                     expected_bias.data());
    expect_close(name, d_weights.span(), expected.span());
    expect_close(name + ", bias", d_bias.span(), expected_bias.span());
  }
  void check_backward_data(const std::string& name) const {
    Buffer expected(d_input.size());
    reference::conv_backward_data(c, n, d_output.rows.data(), weights.data(), expected.data());
    expect_close(name, as_rows(n, d_input).span(), expected.span());
  }

  Convolution c;
  std::size_t n, groups;
  Images input, d_output;
  Buffer weights, bias, output, d_weights, d_bias, d_input, scratch;
};

/// Integers, so that the winners of the kernel and of the reference are the same.
struct Pooled {
  Pooled(const Convolution& sizes, std::size_t samples)
      : c(sizes),
        p(reference::squares_of(c)),
        n(whole_groups(samples)),
        groups(n / table().lanes),
        input(n, c.inputs(), integers(n * c.inputs(), 1)),
        d_output(n, p.outputs(), integers(n * p.outputs(), 2)),
        weights(integers(c.weights(), 3)),
        bias(integers(c.filters, 4)),
        output(n * p.outputs()),
        d_weights(c.weights()),
        d_bias(c.filters),
        d_input(n * c.inputs()),
        scratch(table().conv_pool_backward_scratch(c)),
        winners(output.size()) {
    forward();  // the backward pass needs the winners
  }

  void forward() {
    table().conv_pool_forward(c, groups, input.lanes.data(), weights.data(), bias.data(), Activation::relu,
                              output.data(), winners.data());
  }
  void backward_to(float* to_input) {
    table().conv_pool_backward(c, groups, input.lanes.data(), winners.data(), d_output.lanes.data(), weights.data(),
                               Write::replace, d_weights.data(), d_bias.data(), to_input, scratch.data());
  }
  void backward_weights() { backward_to(nullptr); }
  void backward() { backward_to(d_input.data()); }

  void check_forward(const std::string& name) const {
    Buffer expected(output.size());
    AlignedBuffer<std::int16_t> expected_winners(output.size());
    reference::conv_pool_forward(c, n, input.rows.data(), weights.data(), bias.data(), Activation::relu,
                                 expected.data(), expected_winners.data());
    expect_close(name, as_rows(n, output).span(), expected.span());
  }
  void check_backward_weights(const std::string& name) const { check_gradients(name); }
  void check_backward(const std::string& name) const {
    expect_close(name + ", data", as_rows(n, d_input).span(), check_gradients(name).span());
  }

  Convolution c;
  Pooling p;
  std::size_t n, groups;
  Images input, d_output;
  Buffer weights, bias, output, d_weights, d_bias, d_input, scratch;
  AlignedBuffer<std::int16_t> winners;

 private:
  /// Returns the gradient by the data that is expected.
  Buffer check_gradients(const std::string& name) const {
    Buffer full(output.size()), expected(d_weights.size()), expected_bias(d_bias.size()), expected_data(d_input.size());
    AlignedBuffer<std::int16_t> expected_winners(output.size());
    reference::conv_pool_forward(c, n, input.rows.data(), weights.data(), bias.data(), Activation::relu, full.data(),
                                 expected_winners.data());
    reference::conv_pool_backward(c, n, input.rows.data(), expected_winners.data(), d_output.rows.data(),
                                  weights.data(), expected.data(), expected_bias.data(), expected_data.data());
    expect_close(name, d_weights.span(), expected.span());
    expect_close(name + ", bias", d_bias.span(), expected_bias.span());
    return expected_data;
  }
};

std::string name_of(const Convolution& c, std::size_t samples) {
  return std::to_string(c.channels) + "x" + std::to_string(c.height) + "x" + std::to_string(c.width) + "->" +
         std::to_string(c.filters) + " " + std::to_string(c.window) + "x" + std::to_string(c.window) +
         " b=" + std::to_string(samples);
}

}  // namespace

Case gemm(const Gemm& g) {
  const std::string name = std::string("gemm ") + (g.transpose_a ? "T" : "N") + (g.transpose_b ? "T" : "N") +
                           " m=" + std::to_string(g.m) + " n=" + std::to_string(g.n) + " k=" + std::to_string(g.k);
  return make_case(
      name, {.flops = 2.0 * static_cast<double>(g.m * g.n * g.k)}, [g] { return std::make_shared<Product>(g); },
      &Product::run, &Product::check);
}

Cases convolution(const Convolution& c, std::size_t samples) {
  const std::string name = "conv " + name_of(c, samples);
  const Work work{.flops = 2.0 * static_cast<double>(samples * c.weights() * c.out_height() * c.out_width())};
  const auto make = [c, samples] { return std::make_shared<Convolved>(c, samples); };
  Cases cases{make_case(name + " forward", work, make, &Convolved::forward, &Convolved::check_forward),
              make_case(name + " backward weights", work, make, &Convolved::backward_weights,
                        &Convolved::check_backward_weights)};
  if (c.channels > 1)
    cases.push_back(
        make_case(name + " backward data", work, make, &Convolved::backward_data, &Convolved::check_backward_data));
  return cases;
}

Cases pooled_convolution(const Convolution& c, std::size_t samples) {
  const std::string name = "conv+pool " + name_of(c, samples);
  const Pooling p = reference::squares_of(c);
  const Work work{.flops = 8.0 * static_cast<double>(samples * c.weights() * p.out_height() * p.out_width())};
  const auto make = [c, samples] { return std::make_shared<Pooled>(c, samples); };
  Cases cases{make_case(name + " forward", work, make, &Pooled::forward, &Pooled::check_forward)};
  if (c.channels == 1)
    cases.push_back(
        make_case(name + " backward weights", work, make, &Pooled::backward_weights, &Pooled::check_backward_weights));
  else
    cases.push_back(make_case(name + " backward both", {.flops = 2 * work.flops}, make, &Pooled::backward,
                              &Pooled::check_backward));
  return cases;
}

Cases products() {
  Cases cases;
  const auto add = [&](const Cases& more) { cases.insert(cases.end(), more.begin(), more.end()); };
  for (const std::size_t batch : {16u, 64u, 512u}) {
    for (const auto& [inputs, outputs] : {std::pair{784u, 128u}, {128u, 128u}, {128u, 10u}, {256u, 120u}}) {
      cases.push_back(gemm({.m = batch, .n = outputs, .k = inputs, .activation = Activation::relu}));
      if (inputs != 784) cases.push_back(gemm({.transpose_b = true, .m = batch, .n = inputs, .k = outputs}));
      cases.push_back(gemm({.transpose_a = true, .m = inputs, .n = outputs, .k = batch}));
    }
    for (const Convolution& c :
         {Convolution{1, 28, 28, 6, 5}, {6, 12, 12, 16, 5}, {1, 28, 28, 4, 3}, {4, 13, 13, 8, 3}}) {
      add(convolution(c, batch));
      add(pooled_convolution(c, batch));
    }
  }
  return cases;
}

}  // namespace asap::bench
