// GFLOP/s and GB/s of the kernels on one core, at the sizes of the ready-made MLP and LeNet.
//
// usage: [ASAP_ISA=…] kernels_bench [part of a name …]      runs the cases whose names contain one of the parts
// Answers are first compared with the naive reference; a wrong one ends the program with status 1.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/kernels/reference.h"
#include "fma_peak.h"
#include "timing.h"

namespace {

using namespace asap::kernels;
using Buffer = asap::AlignedBuffer<float>;

// Each case is measured kRounds times, in turn with the peak, because the clock rate of a shared machine wanders.
constexpr std::size_t kRounds = 9;
constexpr double kSeconds = 0.008;  // of one measurement

Buffer normal(std::size_t size, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> distribution;
  Buffer buffer(size);
  for (float& value : buffer.span()) value = distribution(engine);
  return buffer;
}

Buffer integers(std::size_t size, unsigned seed) {
  Buffer buffer = normal(size, seed);
  for (float& value : buffer.span()) value = std::round(value);
  return buffer;
}

/// Ends the program unless ‖actual − expected‖ ≤ 1e-4·‖expected‖: both are float32 sums, in different orders.
void check(const std::string& name, const Buffer& actual, const Buffer& expected) {
  double squares = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    squares += std::pow(static_cast<double>(actual[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  if (std::sqrt(squares) <= 1e-4 * std::sqrt(norm)) return;
  std::fprintf(stderr, "%s is wrong: error %g of norm %g\n", name.c_str(), std::sqrt(squares), std::sqrt(norm));
  std::exit(1);
}

class Bench {
 public:
  Bench(int argc, char** argv) : parts_(argv + 1, argv + argc) {
    std::printf("isa %s; medians of %zu measurements; %% of the FMA peak measured in between\n",
                std::string(table_.name).c_str(), kRounds);
  }

  void gemms() {
    for (const std::size_t batch : {16u, 64u, 512u}) {
      for (const auto& [inputs, outputs] : {std::pair{784u, 128u}, {128u, 128u}, {128u, 10u}, {256u, 120u}}) {
        gemm({.m = batch, .n = outputs, .k = inputs, .activation = Activation::relu});
        if (inputs != 784) gemm({.transpose_b = true, .m = batch, .n = inputs, .k = outputs});
        gemm({.transpose_a = true, .m = inputs, .n = outputs, .k = batch});
      }
    }
  }

  void convolutions() {
    for (const std::size_t samples : {16u, 64u, 512u})
      for (const Convolution& c :
           {Convolution{1, 28, 28, 6, 5}, {6, 12, 12, 16, 5}, {1, 28, 28, 4, 3}, {4, 13, 13, 8, 3}})
        convolution(c, samples), pooled_convolution(c, samples);
  }

  void rest() {
    pooling({6, 24, 24, 2}, 64);
    layout(64, 784);
    layout(64, 256);
    losses(64, 10);
    activations(64 * 128);
    updates(134794);
  }

 private:
  bool wanted(const std::string& name) const {
    if (parts_.empty()) return true;
    for (const std::string& part : parts_)
      if (name.find(part) != std::string::npos) return true;
    return false;
  }

  template <class Function>
  void time_flops(const std::string& name, double flops, Function f) {
    std::vector<double> seconds, shares;
    for (std::size_t round = 0; round < kRounds; ++round) {
      const double peak = bench::measure_fma_peak(kSeconds / 4);
      seconds.push_back(bench::seconds_per_call(f, kSeconds));
      shares.push_back(flops / seconds.back() * 1e-9 / peak);
    }
    const double time = bench::median(seconds);
    std::printf("%-44s %9.2f us %7.1f GFLOP/s %5.1f %%\n", name.c_str(), time * 1e6, flops / time * 1e-9,
                100 * bench::median(shares));
  }

  template <class Function>
  void time_floats(const std::string& name, std::size_t floats, Function f) {
    std::vector<double> seconds;
    for (std::size_t round = 0; round < kRounds; ++round) seconds.push_back(bench::seconds_per_call(f, kSeconds));
    const double time = bench::median(seconds);
    std::printf("%-44s %9.2f us %7.1f GB/s\n", name.c_str(), time * 1e6, 4e-9 * static_cast<double>(floats) / time);
  }

  void gemm(Gemm g) {
    const std::string name = std::string("gemm ") + (g.transpose_a ? "T" : "N") + (g.transpose_b ? "T" : "N") +
                             " m=" + std::to_string(g.m) + " n=" + std::to_string(g.n) + " k=" + std::to_string(g.k);
    if (!wanted(name)) return;
    const Buffer a = normal(g.m * g.k, 1), b = normal(g.k * g.n, 2), bias = normal(g.n, 3);
    Buffer c(g.m * g.n), expected(g.m * g.n);
    g.a = a.data(), g.b = b.data(), g.c = c.data();
    if (g.activation != Activation::identity) g.bias = bias.data();
    Buffer scratch(table_.gemm_scratch(g));
    g.scratch = scratch.data();
    table_.gemm(g);
    reference::gemm(g.transpose_a, g.transpose_b, g.m, g.n, g.k, g.a, g.b, g.bias, g.activation, expected.data());
    check(name, c, expected);
    time_flops(name, 2.0 * static_cast<double>(g.m * g.n * g.k), [&] { table_.gemm(g); });
  }

  static std::string name_of(const Convolution& c, std::size_t samples) {
    return std::to_string(c.channels) + "x" + std::to_string(c.height) + "->" + std::to_string(c.filters) + " " +
           std::to_string(c.window) + "x" + std::to_string(c.window) + " n=" + std::to_string(samples);
  }

  void convolution(const Convolution& c, std::size_t samples) {
    const std::string name = "conv " + name_of(c, samples);
    if (!wanted(name)) return;
    const std::size_t groups = samples / table_.lanes, n = groups * table_.lanes;
    const double flops = 2.0 * static_cast<double>(samples * c.weights() * c.out_height() * c.out_width());
    const Buffer rows = normal(n * c.inputs(), 1), d_rows = normal(n * c.outputs(), 2),
                 weights = normal(c.weights(), 3), bias = normal(c.filters, 4);
    Buffer input(rows.size()), output(d_rows.size()), d_output(d_rows.size()), d_input(rows.size()),
        d_weights(c.weights()), d_bias(c.filters), scratch(table_.conv_backward_scratch(c));
    Buffer output_rows(output.size()), d_input_rows(d_input.size()), expected(output.size()), expected_dw(c.weights()),
        expected_db(c.filters), expected_dx(d_input.size());
    table_.lanes_from_rows(n, c.inputs(), rows.data(), input.data());
    table_.lanes_from_rows(n, c.outputs(), d_rows.data(), d_output.data());

    const auto forward = [&] {
      table_.conv_forward(c, groups, input.data(), weights.data(), bias.data(), Activation::relu, output.data());
    };
    const auto backward_weights = [&] {
      table_.conv_backward_weights(c, groups, input.data(), d_output.data(), Write::replace, d_weights.data(),
                                   d_bias.data(), scratch.data());
    };
    const auto backward_data = [&] {
      table_.conv_backward_data(c, groups, d_output.data(), weights.data(), d_input.data(), scratch.data());
    };
    forward(), backward_weights(), backward_data();
    table_.rows_from_lanes(n, c.outputs(), output.data(), output_rows.data());
    table_.rows_from_lanes(n, c.inputs(), d_input.data(), d_input_rows.data());
    reference::conv_forward(c, n, rows.data(), weights.data(), bias.data(), Activation::relu, expected.data());
    reference::conv_backward_weights(c, n, rows.data(), d_rows.data(), expected_dw.data(), expected_db.data());
    reference::conv_backward_data(c, n, d_rows.data(), weights.data(), expected_dx.data());
    check(name + " forward", output_rows, expected);
    check(name + " backward weights", d_weights, expected_dw);
    check(name + " backward bias", d_bias, expected_db);
    check(name + " backward data", d_input_rows, expected_dx);
    time_flops(name + " forward", flops, forward);
    time_flops(name + " backward weights", flops, backward_weights);
    if (c.channels > 1) time_flops(name + " backward data", flops, backward_data);
  }

  /// Integers, so that the winners of the kernel and of the reference are the same. The FLOPs are those of the outputs
  /// that fill squares.
  void pooled_convolution(const Convolution& c, std::size_t samples) {
    const std::string name = "conv+pool " + name_of(c, samples);
    if (!wanted(name)) return;
    const Pooling p = reference::squares_of(c);
    const std::size_t groups = samples / table_.lanes, n = groups * table_.lanes;
    const double flops = 8.0 * static_cast<double>(samples * c.weights() * p.out_height() * p.out_width());
    const Buffer rows = integers(n * c.inputs(), 1), d_rows = integers(n * p.outputs(), 2),
                 weights = integers(c.weights(), 3), bias = integers(c.filters, 4);
    Buffer input(rows.size()), output(d_rows.size()), d_output(d_rows.size()), d_input(rows.size()),
        d_weights(c.weights()), d_bias(c.filters), scratch(table_.conv_pool_backward_scratch(c));
    Buffer output_rows(output.size()), d_input_rows(d_input.size()), expected(output.size()), expected_dw(c.weights()),
        expected_db(c.filters), expected_dx(d_input.size());
    asap::AlignedBuffer<std::int16_t> winners(output.size()), expected_winners(output.size());
    table_.lanes_from_rows(n, c.inputs(), rows.data(), input.data());
    table_.lanes_from_rows(n, p.outputs(), d_rows.data(), d_output.data());

    const auto forward = [&] {
      table_.conv_pool_forward(c, groups, input.data(), weights.data(), bias.data(), Activation::relu, output.data(),
                               winners.data());
    };
    const auto backward = [&](float* to_input) {
      table_.conv_pool_backward(c, groups, input.data(), winners.data(), d_output.data(), weights.data(),
                                Write::replace, d_weights.data(), d_bias.data(), to_input, scratch.data());
    };
    forward(), backward(d_input.data());
    table_.rows_from_lanes(n, p.outputs(), output.data(), output_rows.data());
    table_.rows_from_lanes(n, c.inputs(), d_input.data(), d_input_rows.data());
    reference::conv_pool_forward(c, n, rows.data(), weights.data(), bias.data(), Activation::relu, expected.data(),
                                 expected_winners.data());
    reference::conv_pool_backward(c, n, rows.data(), expected_winners.data(), d_rows.data(), weights.data(),
                                  expected_dw.data(), expected_db.data(), expected_dx.data());
    check(name + " forward", output_rows, expected);
    check(name + " backward weights", d_weights, expected_dw);
    check(name + " backward bias", d_bias, expected_db);
    check(name + " backward data", d_input_rows, expected_dx);
    time_flops(name + " forward", flops, forward);
    time_flops(name + " backward weights", flops, [&] { backward(nullptr); });
    if (c.channels > 1) time_flops(name + " backward", 2 * flops, [&] { backward(d_input.data()); });
  }

  void pooling(const Pooling& p, std::size_t samples) {
    if (!wanted("pool")) return;
    const std::size_t groups = samples / table_.lanes;
    const Buffer rows = normal(samples * p.inputs(), 1), d_rows = normal(samples * p.outputs(), 2);
    Buffer input(rows.size()), output(d_rows.size()), d_output(d_rows.size()), d_input(rows.size());
    Buffer output_rows(output.size()), d_input_rows(d_input.size()), expected(output.size()),
        expected_dx(d_input.size());
    table_.lanes_from_rows(samples, p.inputs(), rows.data(), input.data());
    table_.lanes_from_rows(samples, p.outputs(), d_rows.data(), d_output.data());
    const auto forward = [&] { table_.pool_forward(p, groups, input.data(), output.data()); };
    const auto backward = [&] {
      table_.pool_backward(p, groups, input.data(), output.data(), d_output.data(), d_input.data());
    };
    forward(), backward();
    table_.rows_from_lanes(samples, p.outputs(), output.data(), output_rows.data());
    table_.rows_from_lanes(samples, p.inputs(), d_input.data(), d_input_rows.data());
    reference::pool_forward(p, samples, rows.data(), expected.data());
    reference::pool_backward(p, samples, rows.data(), d_rows.data(), expected_dx.data());
    check("pool forward", output_rows, expected);
    check("pool backward", d_input_rows, expected_dx);
    time_floats("pool forward", input.size() + output.size(), forward);
    time_floats("pool backward", 2 * (input.size() + output.size()), backward);
  }

  void layout(std::size_t samples, std::size_t features) {
    if (!wanted("layout")) return;
    const Buffer rows = normal(samples * features, 1);
    Buffer lanes(rows.size()), back(rows.size());
    const auto to_lanes = [&] { table_.lanes_from_rows(samples, features, rows.data(), lanes.data()); };
    const auto to_rows = [&] { table_.rows_from_lanes(samples, features, lanes.data(), back.data()); };
    to_lanes(), to_rows();
    check("layout", back, rows);
    const std::string size = std::to_string(samples) + "x" + std::to_string(features);
    time_floats("layout lanes from rows " + size, 2 * rows.size(), to_lanes);
    time_floats("layout rows from lanes " + size, 2 * rows.size(), to_rows);
  }

  void losses(std::size_t rows, std::size_t classes) {
    if (!wanted("loss")) return;
    const Buffer output = normal(rows * classes, 1);
    Buffer d_output(output.size()), expected(output.size());
    const std::vector<std::int32_t> labels(rows, 3);
    const auto loss = [&] {
      table_.softmax_cross_entropy(rows, classes, output.data(), labels.data(), 0.1f, d_output.data());
    };
    loss();
    reference::softmax_cross_entropy(rows, classes, output.data(), labels.data(), 0.1f, expected.data());
    check("loss", d_output, expected);
    time_floats("loss softmax cross-entropy 64x10", 2 * output.size(), loss);
  }

  void activations(std::size_t n) {
    if (!wanted("activation")) return;
    const Buffer x = normal(n, 1);
    Buffer y(n), expected(n);
    for (const auto& [name, activation] : {std::pair{"relu", Activation::relu}, {"tanh", Activation::tanh}}) {
      const auto activate = [&, kind = activation] { table_.activate(kind, n, x.data(), y.data()); };
      activate();
      reference::activate(activation, n, x.data(), expected.data());
      check(name, y, expected);
      time_floats(std::string("activation ") + name + " 64x128", 2 * n, activate);
    }
  }

  void updates(std::size_t n) {
    if (!wanted("update")) return;
    const Coefficients c{.rate = 1e-9f, .scale = 1, .momentum = 0.9f};
    const Buffer gradient = normal(n, 1);
    Buffer theta = normal(n, 2), other(n), velocity(n), expected(n), expected_velocity(n);
    const auto advance_by = [&](Buffer& to, float* u) {
      table_.advance(n, c, gradient.data(), theta.data(), u, to.data(), u);
    };
    reference::advance(n, c.rate, c.scale, c.momentum, gradient.data(), theta.data(), velocity.data(), expected.data(),
                       expected_velocity.data());
    advance_by(other, velocity.data());
    check("update", other, expected);
    check("update, velocity", velocity, expected_velocity);
    time_floats("update in place", 3 * n, [&] { advance_by(theta, nullptr); });
    time_floats("update out of place", 3 * n, [&] { advance_by(other, nullptr); });
    time_floats("update in place with momentum", 5 * n, [&] { advance_by(theta, velocity.data()); });
    copies(n, theta, other);
  }

  void copies(std::size_t n, const Buffer& from, Buffer& to) {
    const std::vector<std::uint8_t> bytes(n, 100);
    const auto copy = [&] { table_.copy(n, from.data(), to.data()); };
    copy();
    check("update copy", to, from);
    time_floats("update copy", 2 * n, copy);
    time_floats("update accumulate", 3 * n, [&] { table_.accumulate(n, 1e-9f, from.data(), to.data()); });
    time_floats("update scale bytes (counting floats)", n,
                [&] { table_.scale_bytes(n, bytes.data(), 0.5f, to.data()); });
    volatile bool finite = true;
    time_floats("update all finite", n, [&] { finite = table_.all_finite(n, from.data()); });
    if (!finite) std::exit(1);
  }

  const Table& table_ = active();
  std::vector<std::string> parts_;
};

}  // namespace

int main(int argc, char** argv) {
  Bench bench(argc, argv);
  bench.gemms();
  bench.convolutions();
  bench.rest();
}
