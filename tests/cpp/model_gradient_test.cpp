// The float32 network agrees with the float64 reference, parameter by parameter, for every instruction set.
#include "asap/kernels/kernels.h"
#include "check.h"
#include "model_examples.h"

using namespace examples;
using asap::Loss;
using asap::Network;

namespace {

constexpr double kBound = 1e-4;

/// ‖actual − expected‖ ≤ 1e-4·‖expected‖.
void compare(const std::string& what, const std::vector<float>& actual, const std::vector<double>& expected) {
  std::vector<double> errors;
  for (std::size_t i = 0; i < expected.size(); ++i) errors.push_back(actual[i] - expected[i]);
  if (!(norm(errors) <= kBound * norm(expected)))
    check::fail(__FILE__, __LINE__, what, ": error ", norm(errors), " in a norm of ", norm(expected));
}

struct Case {
  std::string name;
  std::vector<float> theta;
  reference::Batch<float> batch;
  reference::Gradients<double> gradients;
  std::vector<double> outputs;
};

Case make_case(const Example& example, Loss loss, std::size_t samples) {
  const reference::Network<double> network(example.input, example.layers, loss);
  Case result{example.name + (loss == Loss::mean_squared_error ? ", squared error" : ", cross-entropy") + ", batch " +
                  std::to_string(samples),
              random_parameters(network.parameters(), 5),
              random_batch<float>(samples, example.input.size(), network.num_outputs(), 6),
              {},
              {}};
  const auto theta = converted<double>(result.theta);
  const reference::Batch<double> batch{samples, converted<double>(result.batch.inputs), result.batch.labels,
                                       converted<double>(result.batch.targets)};
  result.gradients = network.gradients(theta, batch);
  result.outputs = network.activations(theta, batch).back();
  if (loss == Loss::softmax_cross_entropy)
    reference::naive::softmax(samples, network.num_outputs(), result.outputs.data(), result.outputs.data());
  return result;
}

std::uint64_t count_hits(const Case& expected, std::size_t outputs) {
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < expected.batch.samples; ++i) {
    const auto row = expected.outputs.begin() + static_cast<std::ptrdiff_t>(i * outputs);
    hits += std::max_element(row, row + static_cast<std::ptrdiff_t>(outputs)) - row == expected.batch.labels[i];
  }
  return hits;
}

void check_network(const Example& example, Loss loss, const Case& expected, const asap::kernels::Table& table) {
  const std::string name = std::string(table.name) + ", " + expected.name;
  const std::size_t samples = expected.batch.samples;
  const Network network(example.input, example.layers, loss, table);
  const auto workspace = network.workspace(samples);
  const auto data = dataset(expected.batch, example.input);
  const auto indices = all_indices(samples);

  std::vector<float> gradient(network.num_parameters(), 1e30f), outputs(samples * network.num_outputs());
  const double mean = network.gradient(expected.theta.data(), data, indices, *workspace, gradient.data());
  CHECK_NEAR(mean, expected.gradients.loss, 1e-5 * expected.gradients.loss);
  for (const auto& parameter : network.parameters())
    compare(name + ", " + parameter.name, part(gradient, parameter), part(expected.gradients.parameters, parameter));

  const auto metrics = network.evaluate(expected.theta.data(), data, indices, *workspace);
  CHECK_EQUAL(metrics.samples, samples);
  CHECK_NEAR(metrics.loss(), expected.gradients.loss, 1e-5 * expected.gradients.loss);
  CHECK_EQUAL(metrics.correct, loss == Loss::softmax_cross_entropy ? count_hits(expected, network.num_outputs()) : 0);

  network.predict(expected.theta.data(), data.inputs, indices, *workspace, outputs.data());
  compare(name + ", predictions", outputs, expected.outputs);
}

void check_all(const std::vector<Example>& all, std::initializer_list<std::size_t> batch_sizes) {
  for (const auto& example : all)
    for (const Loss loss : {Loss::softmax_cross_entropy, Loss::mean_squared_error})
      for (const std::size_t samples : batch_sizes) {
        const Case expected = make_case(example, loss, samples);
        for (const auto* table : asap::kernels::available()) check_network(example, loss, expected, *table);
      }
}

}  // namespace

TEST(small_networks_agree_with_the_reference) { check_all(small_examples(), {1, 2, 3, 15, 16, 17, 33}); }

TEST(the_networks_of_the_papers_agree_with_the_reference) { check_all(papers_examples(), {1, 3, 16, 33}); }
