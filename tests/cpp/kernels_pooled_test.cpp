// Convolution, activation and pooling in one kernel, of every instruction set against the naive reference in double.
#include <cstring>

#include "asap/kernels/reference.h"
#include "kernels_convolutions.h"

namespace {

using namespace asap::kernels;
using namespace kernels_support;

/// A guarded array of winners for a kernel to write.
class Winners {
 public:
  explicit Winners(std::size_t size) : floats_(size * sizeof(std::int16_t) / sizeof(float)), size_(size) {}
  std::int16_t* data() { return reinterpret_cast<std::int16_t*>(floats_.data()); }
  bool intact() const { return floats_.intact(); }
  std::vector<std::int16_t> values() const {
    std::vector<std::int16_t> values(size_);
    std::memcpy(values.data(), floats_.data(), size_ * sizeof(std::int16_t));
    return values;
  }

 private:
  Guarded floats_;
  std::size_t size_;
};

/// One case: what goes in, and what the reference makes of it. All numbers are small integers: nothing is rounded, many
/// squares have several maxima, and the kernels' results must be the reference's.
struct Case {
  Case(const Convolution& convolution, std::size_t num_samples, Activation activation)
      : c(convolution),
        samples(num_samples),
        squares(reference::squares_of(c).outputs()),
        input(with_ties(samples * c.inputs(), 1)),
        weights(with_ties(c.weights(), 2)),
        bias(with_ties(c.filters, 3)),
        d_output(with_ties(samples * squares, 4)),
        output(samples * squares),
        d_weights(c.weights()),
        d_bias(c.filters),
        d_input(samples * c.inputs()),
        winners(samples * squares) {
    reference::conv_pool_forward(c, samples, wide(input).data(), wide(weights).data(), wide(bias).data(), activation,
                                 output.data(), winners.data());
    reference::conv_pool_backward(c, samples, wide(input).data(), winners.data(), wide(d_output).data(),
                                  wide(weights).data(), d_weights.data(), d_bias.data(), d_input.data());
  }
  Convolution c;
  std::size_t samples, squares;
  std::vector<float> input, weights, bias, d_output;
  std::vector<double> output, d_weights, d_bias, d_input;
  std::vector<std::int16_t> winners;
};

void check_pooled(const Convolution& c, std::size_t samples, Activation activation, const Table& table) {
  const Case x(c, samples, activation);
  const std::size_t groups = groups_of(samples, table.lanes);
  const std::string name = describe("conv_pool", c, samples, table);
  // Activations past the last sample are any finite number; only gradients there are zero.
  const Guarded input(to_lanes(table.lanes, samples, x.input, 7.0f)), weights(x.weights), bias(x.bias);
  Guarded output(groups * x.squares * table.lanes);
  Winners winners(output.size());
  table.conv_pool_forward(c, groups, input.data(), weights.data(), bias.data(), activation, output.data(),
                          winners.data());
  CHECK(winners.intact());
  std::size_t wrong = 0;
  const auto won = winners.values();
  for (std::size_t i = 0; i < output.size(); ++i) {
    const std::size_t sample = i / table.lanes / x.squares * table.lanes + i % table.lanes;
    if (sample >= samples)
      output[i] = 0;  // unspecified
    else
      wrong += won[i] != x.winners[sample * x.squares + i / table.lanes % x.squares];
  }
  if (wrong) check::fail(__FILE__, __LINE__, wrong, " wrong winners in ", name);
  expect_close(output, to_lanes(table.lanes, samples, x.output), 0, name, ", forward");

  const Guarded d_output(to_lanes(table.lanes, samples, x.d_output));
  Guarded d_weights(c.weights()), d_bias(c.filters), d_input(input.size());
  Guarded scratch(table.conv_pool_backward_scratch(x.c));
  table.conv_pool_backward(c, groups, input.data(), winners.data(), d_output.data(), weights.data(), Write::replace,
                           d_weights.data(), d_bias.data(), d_input.data(), scratch.data());
  expect_close(d_weights, x.d_weights, 0, name, ", backward, weights");
  expect_close(d_bias, x.d_bias, 0, name, ", backward, bias");
  expect_close(d_input, to_lanes(table.lanes, samples, x.d_input), 0, name, ", backward, input");
  CHECK(scratch.intact() && winners.intact());
  CHECK(rest_is_zero(table.lanes, samples, d_input));
}

Convolution with_a_square(Convolution c) {
  c.height = std::max(c.height, c.window + 1);
  c.width = std::max(c.width, c.window + 1);
  return c;
}

TEST(convolution_and_pooling_agree_with_the_reference_and_the_first_of_equal_maxima_wins) {
  std::size_t turn = 0;
  for_each_convolution([&](const Convolution& c, std::size_t samples, const Table& table) {
    const Activation activation = turn++ % 2 ? Activation::identity : Activation::relu;
    check_pooled(with_a_square(c), samples, activation, table);
  });
}

TEST(the_pooled_convolutions_of_lenet_agree_with_the_reference) {
  for (const Convolution& c : {Convolution{1, 28, 28, 6, 5}, {3, 32, 32, 6, 5}, {6, 12, 12, 16, 5}, {4, 13, 13, 8, 3}})
    for (const Table* table : available())
      for (const std::size_t samples : {table->lanes, 2 * table->lanes + 1})
        check_pooled(c, samples, Activation::relu, *table);
}

TEST(a_square_without_a_positive_output_has_no_winner_and_passes_no_gradient) {
  const Convolution c{2, 6, 7, 3, 3};
  for (const Table* table : available()) {
    const std::size_t squares = reference::squares_of(c).outputs() * table->lanes;
    const Guarded input(std::vector<float>(c.inputs() * table->lanes, 0.0f)), weights(normal(c.weights(), 1));
    const Guarded bias(std::vector<float>{-1.0f, 0.0f, -0.0f}), d_output(normal(squares, 2));
    Guarded output(squares), d_weights(c.weights()), d_bias(c.filters), d_input(input.size());
    Guarded scratch(table->conv_pool_backward_scratch(c));
    Winners winners(squares);
    table->conv_pool_forward(c, 1, input.data(), weights.data(), bias.data(), Activation::relu, output.data(),
                             winners.data());
    table->conv_pool_backward(c, 1, input.data(), winners.data(), d_output.data(), weights.data(), Write::replace,
                              d_weights.data(), d_bias.data(), d_input.data(), scratch.data());
    CHECK(winners.values() == std::vector<std::int16_t>(squares, 4));
    for (const Guarded* zeros : {&output, &d_weights, &d_bias, &d_input})
      CHECK(norm(wide(zeros->values())) == 0 && zeros->intact());
  }
}

TEST(without_bias_and_without_the_gradient_of_the_input_the_rest_stays_the_same) {
  const Convolution c{2, 8, 9, 7, 3};
  for (const Table* table : available()) {
    const std::size_t squares = reference::squares_of(c).outputs() * table->lanes;
    const Guarded input(normal(c.inputs() * table->lanes, 1)), weights(normal(c.weights(), 2));
    const Guarded zeros(std::vector<float>(c.filters, 0.0f)), d_output(normal(squares, 3));
    Guarded with(squares), without(squares);
    Winners winners(squares);
    table->conv_pool_forward(c, 1, input.data(), weights.data(), zeros.data(), Activation::relu, with.data(),
                             winners.data());
    table->conv_pool_forward(c, 1, input.data(), weights.data(), nullptr, Activation::relu, without.data(),
                             winners.data());
    expect_same_bits(without, with, table->name, " conv_pool_forward without bias");

    Guarded scratch(table->conv_pool_backward_scratch(c)), d_input(input.size());
    Guarded d_weights(c.weights()), d_bias(c.filters), expected(c.weights()), expected_bias(c.filters);
    table->conv_pool_backward(c, 1, input.data(), winners.data(), d_output.data(), weights.data(), Write::replace,
                              expected.data(), expected_bias.data(), d_input.data(), scratch.data());
    table->conv_pool_backward(c, 1, input.data(), winners.data(), d_output.data(), weights.data(), Write::replace,
                              d_weights.data(), d_bias.data(), nullptr, scratch.data());
    expect_same_bits(d_weights, expected, table->name, " conv_pool_backward without d_input, weights");
    expect_same_bits(d_bias, expected_bias, table->name, " conv_pool_backward without d_input, bias");

    d_weights = std::vector<float>(c.weights(), 1.0f), d_bias = std::vector<float>(c.filters, 1.0f);
    table->conv_pool_backward(c, 1, input.data(), winners.data(), d_output.data(), weights.data(), Write::add,
                              d_weights.data(), d_bias.data(), nullptr, scratch.data());
    auto sums = wide(expected.values()), bias_sums = wide(expected_bias.values());
    for (double& sum : sums) sum += 1;
    for (double& sum : bias_sums) sum += 1;
    expect_close(d_weights, sums, tolerance(sums), table->name, " conv_pool_backward added to 1, weights");
    expect_close(d_bias, bias_sums, tolerance(bias_sums), table->name, " conv_pool_backward added to 1, bias");
  }
}

}  // namespace
