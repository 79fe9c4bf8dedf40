// Kernels that do little for each number: memory limits them, or the exponential function.
#include "asap/bench/cases.h"
#include "asap/kernels/reference.h"

namespace asap::bench {
namespace {

using namespace kernels;
using Buffer = AlignedBuffer<float>;

constexpr std::size_t kBatch = 64, kClasses = 10, kWidth = 128;
constexpr StreamMix kCopy{1, 0, 1};

const Table& table() { return active(); }

struct Pooled {
  Pooled(const Pooling& sizes, std::size_t samples)
      : p(sizes),
        n(samples),
        groups(n / table().lanes),
        rows(normal(n * p.inputs(), 1)),
        d_rows(normal(n * p.outputs(), 2)),
        input(rows.size()),
        output(d_rows.size()),
        d_output(d_rows.size()),
        d_input(rows.size()) {
    table().lanes_from_rows(n, p.inputs(), rows.data(), input.data());
    table().lanes_from_rows(n, p.outputs(), d_rows.data(), d_output.data());
    forward();  // the backward pass looks at the output
  }

  void forward() { table().pool_forward(p, groups, input.data(), output.data()); }
  void backward() { table().pool_backward(p, groups, input.data(), output.data(), d_output.data(), d_input.data()); }

  void check_forward(const std::string& name) const {
    Buffer actual(output.size()), expected(output.size());
    table().rows_from_lanes(n, p.outputs(), output.data(), actual.data());
    reference::pool_forward(p, n, rows.data(), expected.data());
    expect_close(name, actual.span(), expected.span());
  }
  void check_backward(const std::string& name) const {
    Buffer actual(d_input.size()), expected(d_input.size());
    table().rows_from_lanes(n, p.inputs(), d_input.data(), actual.data());
    reference::pool_backward(p, n, rows.data(), d_rows.data(), expected.data());
    expect_close(name, actual.span(), expected.span());
  }

  Pooling p;
  std::size_t n, groups;
  Buffer rows, d_rows, input, output, d_output, d_input;
};

struct Layout {
  Layout(std::size_t the_samples, std::size_t the_features)
      : samples(the_samples),
        features(the_features),
        rows(normal(samples * features, 1)),
        lanes(rows.size()),
        back(rows.size()) {
    to_lanes();
  }

  void to_lanes() { table().lanes_from_rows(samples, features, rows.data(), lanes.data()); }
  void to_rows() { table().rows_from_lanes(samples, features, lanes.data(), back.data()); }

  void check_lanes(const std::string& name) const {
    Buffer expected(rows.size());
    const std::size_t width = table().lanes;
    for (std::size_t s = 0; s < samples; ++s)
      for (std::size_t f = 0; f < features; ++f)
        expected[(s / width * features + f) * width + s % width] = rows[s * features + f];
    expect_close(name, lanes.span(), expected.span());
  }
  void check_rows(const std::string& name) const { expect_close(name, back.span(), rows.span()); }

  std::size_t samples, features;
  Buffer rows, lanes, back;
};

struct CrossEntropy {
  CrossEntropy(std::size_t the_rows, std::size_t the_classes)
      : rows(the_rows),
        classes(the_classes),
        output(normal(rows * classes, 1)),
        d_output(output.size()),
        labels(rows, 3) {}

  void run() { table().softmax_cross_entropy(rows, classes, output.data(), labels.data(), 0.1f, d_output.data()); }
  void check(const std::string& name) const {
    Buffer expected(d_output.size());
    reference::softmax_cross_entropy(rows, classes, output.data(), labels.data(), 0.1f, expected.data());
    expect_close(name, d_output.span(), expected.span());
  }

  std::size_t rows, classes;
  Buffer output, d_output;
  std::vector<std::int32_t> labels;
};

struct Activated {
  Activated(Activation which, std::size_t n) : activation(which), x(normal(n, 1)), y(n) {}

  void run() { table().activate(activation, x.size(), x.data(), y.data()); }
  void check(const std::string& name) const {
    Buffer expected(y.size());
    reference::activate(activation, x.size(), x.data(), expected.data());
    expect_close(name, y.span(), expected.span());
  }

  Activation activation;
  Buffer x, y;
};

}  // namespace

Cases element_wise() {
  const Pooling p{6, 24, 24, 2};
  const auto pooled = [p] { return std::make_shared<Pooled>(p, kBatch); };
  Cases cases{make_case("pool 6x24x24 b=64 forward", pass({4, 0, 1}, kBatch * p.outputs()), pooled, &Pooled::forward,
                        &Pooled::check_forward),
              make_case("pool 6x24x24 b=64 backward", pass({3, 0, 2}, 2 * kBatch * p.outputs()), pooled,
                        &Pooled::backward, &Pooled::check_backward)};
  for (const std::size_t features : {784u, 256u}) {
    const auto layout = [features] { return std::make_shared<Layout>(kBatch, features); };
    const std::string size = " 64x" + std::to_string(features);
    cases.push_back(make_case("layout lanes from rows" + size, pass(kCopy, kBatch * features), layout,
                              &Layout::to_lanes, &Layout::check_lanes));
    cases.push_back(make_case("layout rows from lanes" + size, pass(kCopy, kBatch * features), layout, &Layout::to_rows,
                              &Layout::check_rows));
  }
  cases.push_back(make_case(
      "loss softmax cross-entropy 64x10", pass(kCopy, kBatch * kClasses),
      [] { return std::make_shared<CrossEntropy>(kBatch, kClasses); }, &CrossEntropy::run, &CrossEntropy::check));
  for (const auto& [name, activation] : {std::pair{"relu", Activation::relu}, {"tanh", Activation::tanh}})
    cases.push_back(make_case(
        std::string("activation ") + name + " 64x128", pass(kCopy, kBatch * kWidth),
        [kind = activation] { return std::make_shared<Activated>(kind, kBatch * kWidth); }, &Activated::run,
        &Activated::check));
  return cases;
}

}  // namespace asap::bench
