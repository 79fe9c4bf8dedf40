// What a gradient must not depend on: the workspace's past and size, the memory layout and type of the inputs, the way
// a set is split into batches, where an activation's derivative is taken. For every instruction set.
#include <cstring>
#include <limits>
#include <thread>

#include "asap/kernels/kernels.h"
#include "check.h"
#include "model_examples.h"

using namespace examples;
using asap::Loss;
using asap::Network;
using asap::SampleArray;
using asap::Shape;

namespace {

constexpr Loss kClasses = Loss::softmax_cross_entropy;

/// The loss and the gradient, as one vector to compare bit by bit.
using Bits = std::vector<std::uint32_t>;

Bits bits_of(double loss, const std::vector<float>& gradient) {
  Bits bits(2 + gradient.size());
  std::memcpy(bits.data(), &loss, sizeof(loss));
  std::memcpy(bits.data() + 2, gradient.data(), gradient.size() * sizeof(float));
  return bits;
}

Bits gradient(const Network& network, const std::vector<float>& theta, const asap::Dataset& data,
              std::span<const std::uint64_t> indices, asap::Workspace& workspace) {
  std::vector<float> result(network.num_parameters(), -7);
  const double loss = network.gradient(theta.data(), data, indices, workspace, result.data());
  return bits_of(loss, result);
}

Bits gradient(const Network& network, const std::vector<float>& theta, const asap::Dataset& data,
              std::span<const std::uint64_t> indices) {
  return gradient(network, theta, data, indices, *network.workspace(indices.size()));
}

/// Calls check(network, theta, dataset) for every instruction set and small example, on 40 samples.
template <class Check>
void for_every_network(Check check) {
  for (const auto& example : small_examples())
    for (const auto* table : asap::kernels::available()) {
      const Network network(example.input, example.layers, kClasses, *table);
      const auto batch = random_batch<float>(40, example.input.size(), network.num_outputs(), 1);
      check(network, random_parameters(network.parameters(), 1), dataset(batch, example.input));
    }
}

}  // namespace

TEST(a_gradient_does_not_depend_on_what_the_workspace_was_used_for) {
  for_every_network([](const Network& network, const auto& theta, const asap::Dataset& data) {
    const auto indices = all_indices(40);
    const std::vector<float> poison(theta.size(), std::numeric_limits<float>::quiet_NaN());
    const auto used = network.workspace(40);
    for (const std::size_t samples : {1, 3, 16, 33}) {
      gradient(network, poison, data, indices, *used);
      const auto batch = std::span(indices).last(samples);
      CHECK(gradient(network, theta, data, batch, *used) == gradient(network, theta, data, batch));
    }
  });
}

TEST(a_gradient_does_not_depend_on_max_batch) {
  for_every_network([](const Network& network, const auto& theta, const asap::Dataset& data) {
    const auto indices = all_indices(17);
    CHECK(gradient(network, theta, data, indices, *network.workspace(100)) == gradient(network, theta, data, indices));
  });
}

TEST(a_gradient_does_not_depend_on_what_comes_next) {
  for_every_network([](const Network& network, const auto& theta, const asap::Dataset& data) {
    const auto indices = all_indices(40);
    const auto expected = gradient(network, theta, data, indices);
    const std::vector<std::uint64_t> nowhere{39, 40, ~std::uint64_t{0}, 0};  // a hint may be wrong
    const auto workspace = network.workspace(40);
    std::vector<float> result(theta.size());
    const double loss = network.gradient(theta.data(), data, indices, *workspace, result.data(), nowhere);
    CHECK(bits_of(loss, result) == expected);
  });
}

TEST(bytes_and_the_floats_they_stand_for_give_the_same_gradient) {
  for_every_network([](const Network& network, const auto& theta, asap::Dataset data) {
    asap::Rng rng(1, asap::Stream::tests, 5);
    std::vector<std::uint8_t> bytes(40 * network.input().size());
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng.bits());
    std::vector<float> floats;
    for (const auto byte : bytes) floats.push_back(1.0f / 255.0f * static_cast<float>(byte));
    data.inputs = view(floats, 40, network.input());
    const auto expected = gradient(network, theta, data, all_indices(40));
    data.inputs.data = reinterpret_cast<const std::byte*>(bytes.data());
    data.inputs.type = asap::ElementType::uint8;
    for (auto* stride :
         {&data.inputs.sample_stride, &data.inputs.channel_stride, &data.inputs.row_stride, &data.inputs.column_stride})
      *stride /= 4;
    CHECK(gradient(network, theta, data, all_indices(40)) == expected);
  });
}

TEST(the_order_of_the_inputs_in_memory_does_not_matter) {
  for_every_network([](const Network& network, const auto& theta, asap::Dataset data) {
    const Shape shape = network.input();
    const auto* planar = reinterpret_cast<const float*>(data.inputs.data);
    const auto expected = gradient(network, theta, data, all_indices(40));
    // Channels last, samples and columns backwards.
    std::vector<float> memory(40 * network.input().size());
    const auto place = [&](std::size_t s, std::size_t c, std::size_t y, std::size_t x) {
      return (((39 - s) * shape.height + y) * shape.width + (shape.width - 1 - x)) * shape.channels + c;
    };
    for (std::size_t s = 0; s < 40; ++s)
      for (std::size_t c = 0; c < shape.channels; ++c)
        for (std::size_t y = 0; y < shape.height; ++y)
          for (std::size_t x = 0; x < shape.width; ++x) memory[place(s, c, y, x)] = *planar++;
    const auto bytes = [](std::size_t floats) { return static_cast<std::ptrdiff_t>(floats * sizeof(float)); };
    data.inputs = {reinterpret_cast<const std::byte*>(memory.data() + place(0, 0, 0, 0)),
                   asap::ElementType::float32,
                   40,
                   network.input(),
                   -bytes(shape.height * shape.width * shape.channels),
                   bytes(1),
                   bytes(shape.width * shape.channels),
                   -bytes(shape.channels)};
    CHECK(gradient(network, theta, data, all_indices(40)) == expected);
  });
}

TEST(threads_with_workspaces_of_their_own_do_not_disturb_each_other) {
  for_every_network([](const Network& network, const auto& theta, const asap::Dataset& data) {
    const auto indices = all_indices(40);
    const auto expected = gradient(network, theta, data, indices);
    std::vector<Bits> results(4);
    std::vector<std::thread> threads;
    for (auto& result : results) threads.emplace_back([&] { result = gradient(network, theta, data, indices); });
    for (auto& thread : threads) thread.join();
    for (const auto& result : results) CHECK(result == expected);
  });
}

// A large batch goes through the network in slices; the two ways sum in other orders.
TEST(slices_of_a_batch_give_the_gradient_of_the_whole) {
  for (const auto& example : papers_examples()) {
    const Network network(example.input, example.layers, kClasses);
    const std::size_t samples = 700;
    const auto batch = random_batch<float>(samples, example.input.size(), 10, 1);
    const auto data = dataset(batch, example.input);
    const auto theta = random_parameters(network.parameters(), 1);
    const auto indices = all_indices(samples);
    std::vector<float> sliced(theta.size()), whole(theta.size());
    const double loss = network.gradient(theta.data(), data, indices, *network.workspace(samples), sliced.data());
    const auto workspace = network.fused_workspace(samples);
    CHECK_NEAR(network.forward(theta.data(), data, indices, *workspace), loss, 1e-6 * loss);
    network.add_gradient(theta.data(), 1.0f, *workspace, whole.data());
    for (std::size_t i = 0; i < whole.size(); ++i) whole[i] -= sliced[i];
    CHECK(norm(whole) < 1e-5 * norm(sliced));
    CHECK(norm(whole) > 0);  // else nothing was sliced
  }
}

TEST(relu_before_or_behind_the_pooling_gives_the_same_gradient) {
  for (const auto* table : asap::kernels::available()) {
    const Network before({2, 9, 8}, {Conv2d{3, 2}, Relu{}, MaxPool2d{2}, Dense{4}}, kClasses, *table);
    const Network behind({2, 9, 8}, {Conv2d{3, 2}, MaxPool2d{2}, Relu{}, Dense{4}}, kClasses, *table);
    const auto batch = random_batch<float>(21, 144, 4, 1);
    const auto data = dataset(batch, {2, 9, 8});
    const auto theta = random_parameters(before.parameters(), 1);
    const auto indices = all_indices(21);
    CHECK(gradient(before, theta, data, indices) == gradient(behind, theta, data, indices));
  }
}

TEST(metrics_of_parts_add_up) {
  // The loss of a sample may be rounded differently, as float32, in batches of different sizes.
  for_every_network([](const Network& network, const auto& theta, const asap::Dataset& data) {
    const auto indices = all_indices(40);
    const auto workspace = network.workspace(40);
    const auto whole = network.evaluate(theta.data(), data, indices, *workspace);
    for (const std::size_t size : {1, 7, 16, 39}) {
      asap::Metrics sum;
      for (std::size_t first = 0; first < 40; first += size)
        sum += network.evaluate(theta.data(), data, std::span(indices).subspan(first, std::min(size, 40 - first)),
                                *workspace);
      CHECK_EQUAL(sum.samples, 40u);
      CHECK_EQUAL(sum.correct, whole.correct);
      CHECK_NEAR(sum.loss_sum, whole.loss_sum, 1e-6 * whole.loss_sum);
    }
  });
}

TEST(predicted_probabilities_sum_to_one) {
  for_every_network([](const Network& network, auto theta, const asap::Dataset& data) {
    for (auto& component : theta) component *= 5;
    std::vector<float> probabilities(40 * network.num_outputs());
    network.predict(theta.data(), data.inputs, all_indices(40), *network.workspace(40), probabilities.data());
    for (std::size_t i = 0; i < 40; ++i) {
      const auto row = std::span(probabilities).subspan(i * network.num_outputs(), network.num_outputs());
      CHECK_NEAR(std::accumulate(row.begin(), row.end(), 0.0), 1, 1e-6);
      CHECK(*std::min_element(row.begin(), row.end()) >= 0);
    }
  });
}

TEST(an_output_that_is_not_a_number_is_no_hit) {
  const Network network({2}, {Dense{3}}, kClasses);
  const std::vector<float> inputs(2), theta(9, std::numeric_limits<float>::quiet_NaN());
  const std::vector<std::int32_t> labels{0};
  const asap::Dataset data{view(inputs, 1, {2}), labels, {}, 0};
  const auto workspace = network.workspace(1);
  CHECK_EQUAL(network.evaluate(theta.data(), data, all_indices(1), *workspace).correct, 0u);
}

TEST(the_first_of_several_largest_outputs_is_the_answer) {
  const Network network({1}, {Dense{3}}, kClasses);
  const std::vector<float> inputs{1, 1, 1}, theta{1, 2, 2, 0, 0, 0};
  const std::vector<std::int32_t> labels{0, 1, 2};
  const asap::Dataset data{view(inputs, 3, {1}), labels, {}, 0};
  const auto workspace = network.workspace(3);
  for (std::uint64_t i = 0; i < 3; ++i)
    CHECK_EQUAL(network.evaluate(theta.data(), data, std::vector{i}, *workspace).correct, i == 1 ? 1u : 0u);
}
