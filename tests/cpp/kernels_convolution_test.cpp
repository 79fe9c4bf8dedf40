// Convolution, pooling and the change of layout of every instruction set against the naive reference in double.
#include "asap/kernels/reference.h"
#include "kernels_convolutions.h"

namespace {

using namespace asap::kernels;
using namespace kernels_support;

void check_forward(const Convolution& c, std::size_t samples, Activation activation, const Table& table) {
  const auto input = normal(samples * c.inputs(), 1), weights = normal(c.weights(), 2), bias = normal(c.filters, 3);
  const auto wide_input = wide(input), wide_weights = wide(weights), wide_bias = wide(bias);
  std::vector<double> expected(samples * c.outputs());
  reference::conv_forward(c, samples, wide_input.data(), wide_weights.data(), wide_bias.data(), activation,
                          expected.data());

  const std::size_t groups = groups_of(samples, table.lanes);
  const Guarded lanes(to_lanes(table.lanes, samples, input)), guarded_weights(weights), guarded_bias(bias);
  Guarded output(groups * c.outputs() * table.lanes);
  table.conv_forward(c, groups, lanes.data(), guarded_weights.data(), guarded_bias.data(), activation, output.data());
  for (std::size_t s = samples; s < groups * table.lanes; ++s)  // unspecified: the activation of the bias
    for (std::size_t o = 0; o < c.outputs(); ++o)
      output[(s / table.lanes * c.outputs() + o) * table.lanes + s % table.lanes] = 0;
  expect_close(output, to_lanes(table.lanes, samples, expected), tolerance(expected),
               describe("conv_forward", c, samples, table));
}

void check_backward_weights(const Convolution& c, std::size_t samples, const Table& table) {
  const auto input = normal(samples * c.inputs(), 4), d_output = normal(samples * c.outputs(), 5);
  const auto wide_input = wide(input), wide_d = wide(d_output);
  std::vector<double> expected(c.weights()), expected_bias(c.filters);
  reference::conv_backward_weights(c, samples, wide_input.data(), wide_d.data(), expected.data(), expected_bias.data());

  const std::size_t area = c.out_height() * c.out_width();
  // Activations past the last sample are any finite number; only gradients there are zero.
  const Guarded lanes(to_lanes(table.lanes, samples, input, 7.0f)), d_lanes(to_lanes(table.lanes, samples, d_output));
  Guarded d_weights(c.weights()), d_bias(c.filters), scratch(table.conv_backward_scratch(c));
  table.conv_backward_weights(c, groups_of(samples, table.lanes), lanes.data(), d_lanes.data(), Write::replace,
                              d_weights.data(), d_bias.data(), scratch.data());
  expect_close(d_weights, expected, tolerance(expected, samples * area),
               describe("conv_backward_weights", c, samples, table));
  expect_close(d_bias, expected_bias, tolerance(expected_bias, samples * area),
               describe("conv_backward_weights, bias,", c, samples, table));
  CHECK(scratch.intact());
}

void check_backward_data(const Convolution& c, std::size_t samples, const Table& table) {
  const auto d_output = normal(samples * c.outputs(), 6), weights = normal(c.weights(), 7);
  const auto wide_d = wide(d_output), wide_weights = wide(weights);
  std::vector<double> expected(samples * c.inputs());
  reference::conv_backward_data(c, samples, wide_d.data(), wide_weights.data(), expected.data());

  const std::size_t groups = groups_of(samples, table.lanes);
  const Guarded d_lanes(to_lanes(table.lanes, samples, d_output)), guarded_weights(weights);
  Guarded d_input(groups * c.inputs() * table.lanes), scratch(table.conv_backward_scratch(c));
  table.conv_backward_data(c, groups, d_lanes.data(), guarded_weights.data(), d_input.data(), scratch.data());
  expect_close(d_input, to_lanes(table.lanes, samples, expected), tolerance(expected),
               describe("conv_backward_data", c, samples, table));
  CHECK(scratch.intact());
  CHECK(rest_is_zero(table.lanes, samples, d_input));
}

TEST(conv_forward_agrees_with_the_reference) {
  std::size_t turn = 0;
  for_each_convolution([&](const Convolution& c, std::size_t samples, const Table& table) {
    constexpr Activation kActivations[] = {Activation::identity, Activation::relu, Activation::tanh};
    check_forward(c, samples, kActivations[turn++ % 3], table);
  });
}
TEST(conv_backward_weights_agrees_with_the_reference) { for_each_convolution(check_backward_weights); }
TEST(conv_backward_data_agrees_with_the_reference) { for_each_convolution(check_backward_data); }

TEST(the_convolutions_of_lenet_agree_with_the_reference) {
  for (const Convolution& c : {Convolution{1, 28, 28, 6, 5}, {3, 32, 32, 6, 5}, {6, 12, 12, 16, 5}, {6, 14, 14, 16, 5}})
    for (const Table* table : available())
      for (const std::size_t samples : {table->lanes, 2 * table->lanes + 1}) {
        check_forward(c, samples, Activation::relu, *table);
        check_backward_weights(c, samples, *table);
        check_backward_data(c, samples, *table);
      }
}

TEST(convolutions_that_outgrow_the_cache_agree_with_the_reference) {
  // Many filters on wide and on very short rows, and rows of which no two filters fit.
  for (const Convolution& c : {Convolution{3, 6, 20, 130, 3}, {2, 5, 6, 530, 3}, {2, 12, 250, 3, 11}})
    for (const Table* table : available()) {
      check_forward(c, table->lanes, Activation::relu, *table);
      check_backward_weights(c, table->lanes, *table);
      check_backward_data(c, table->lanes, *table);
    }
}

TEST(a_convolution_without_bias_starts_from_zero) {
  const Convolution c{2, 6, 7, 3, 3};
  for (const Table* table : available()) {
    const Guarded input(normal(c.inputs() * table->lanes, 1)), weights(normal(c.weights(), 2));
    const Guarded zeros(std::vector<float>(c.filters, 0.0f));
    Guarded with(c.outputs() * table->lanes), without(c.outputs() * table->lanes);
    table->conv_forward(c, 1, input.data(), weights.data(), zeros.data(), Activation::identity, with.data());
    table->conv_forward(c, 1, input.data(), weights.data(), nullptr, Activation::identity, without.data());
    expect_same_bits(without, with, table->name, " conv_forward without bias");
  }
}

void check_pooling(const Pooling& p, std::size_t samples, const Table& table) {
  const auto input = with_ties(samples * p.inputs(), 8), d_output = normal(samples * p.outputs(), 9);
  const auto wide_input = wide(input), wide_d = wide(d_output);
  std::vector<double> expected(samples * p.outputs()), expected_d(samples * p.inputs());
  reference::pool_forward(p, samples, wide_input.data(), expected.data());
  reference::pool_backward(p, samples, wide_input.data(), wide_d.data(), expected_d.data());

  const std::size_t groups = groups_of(samples, table.lanes);
  const Guarded lanes(to_lanes(table.lanes, samples, input)), d_lanes(to_lanes(table.lanes, samples, d_output));
  Guarded output(groups * p.outputs() * table.lanes), d_input(groups * p.inputs() * table.lanes);
  table.pool_forward(p, groups, lanes.data(), output.data());
  table.pool_backward(p, groups, lanes.data(), output.data(), d_lanes.data(), d_input.data());
  expect_close(output, to_lanes(table.lanes, samples, expected), 0, table.name, " pool_forward window=", p.window,
               " height=", p.height, " width=", p.width, " samples=", samples);
  expect_close(d_input, to_lanes(table.lanes, samples, expected_d), 0, table.name, " pool_backward window=", p.window,
               " height=", p.height, " width=", p.width, " samples=", samples);
  CHECK(rest_is_zero(table.lanes, samples, d_input));
}

TEST(pooling_agrees_with_the_reference_and_gives_ties_to_the_first) {
  for (const std::size_t window : {1u, 2u, 3u, 5u})
    for (const std::size_t height : {5u, 6u, 9u, 11u})
      for (const std::size_t width : {5u, 8u, 12u, 13u})
        for (const Table* table : available())
          for (const std::size_t samples : sample_counts(table->lanes))
            check_pooling({3, height, width, window}, samples, *table);
}

TEST(lanes_and_rows_turn_into_each_other) {
  for (const Table* table : available())
    for (const std::size_t features : {1u, 3u, 4u, 15u, 16u, 17u, 31u, 64u, 100u, 784u})
      for (const std::size_t samples : {1u, 3u, 4u, 7u, 8u, 15u, 16u, 17u, 33u, 64u}) {
        const Guarded rows(normal(samples * features, 10), 1);
        Guarded lanes(groups_of(samples, table->lanes) * features * table->lanes), back(samples * features, 3);
        table->lanes_from_rows(samples, features, rows.data(), lanes.data());
        table->rows_from_lanes(samples, features, lanes.data(), back.data());
        const Guarded expected(to_lanes(table->lanes, samples, rows.values()));
        expect_same_bits(lanes, expected, table->name, " lanes_from_rows samples=", samples, " features=", features);
        expect_same_bits(back, rows, table->name, " rows_from_lanes samples=", samples, " features=", features);
      }
}

TEST(groups_of_byte_images_become_scaled_lanes) {
  std::vector<std::uint8_t> memory(20000);
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  for (const Table* table : available())
    for (const std::size_t channels : {1u, 2u, 3u, 5u})
      for (const std::size_t pixels : {1u, 3u, 15u, 16u, 21u, 64u, 67u, 196u})
        for (const std::size_t samples : {std::size_t{1}, table->lanes - 1, table->lanes}) {
          const std::size_t size = channels * pixels;
          std::vector<const std::uint8_t*> bytes(samples);  // each image ends where the memory ends, or before the next
          for (std::size_t s = 0; s < samples; ++s) bytes[s] = memory.data() + memory.size() - (samples - s) * size;
          Guarded lanes(size * table->lanes), expected(std::vector<float>(size * table->lanes, 0.0f));
          for (std::size_t s = 0; s < samples; ++s)
            for (std::size_t i = 0; i < size; ++i)
              expected[(i % channels * pixels + i / channels) * table->lanes + s] =
                  0.3f * static_cast<float>(bytes[s][i]);
          table->lanes_from_bytes(samples, bytes.data(), pixels, channels, 0.3f, lanes.data());
          expect_same_bits(lanes, expected, table->name, " lanes_from_bytes samples=", samples, " pixels=", pixels,
                           " channels=", channels);
        }
}

}  // namespace
