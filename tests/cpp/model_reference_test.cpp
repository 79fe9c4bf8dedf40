// The reference network is right: in float64 it agrees with central differences to 1e-6, for every kind of layer alone
// and for whole networks. A difference that straddles a kink (a Relu changes sides, a pooling its maximum) says nothing
// about the gradient and is left out; most must remain.
#include <optional>

#include "check.h"
#include "model_examples.h"

using namespace examples;
using asap::Loss;
using asap::Shape;

namespace {

using Reference = reference::Network<double>;
using Batch = reference::Batch<double>;

constexpr double kStep = 1e-5;
constexpr std::uint64_t kSeed = 5;  // of batches that leave no unit of these networks right at its kink

/// The difference quotient of the loss along a coordinate of theta or of the batch's inputs; nothing when a kink lies
/// between its two ends.
std::optional<double> quotient(const Reference& network, const std::vector<double>& theta, const Batch& batch,
                               double& coordinate) {
  const double middle = coordinate;
  coordinate = middle + kStep;
  const double above = network.loss(theta, batch);
  const auto sides_above = network.sides(theta, batch);
  coordinate = middle - kStep;
  const double below = network.loss(theta, batch);
  const auto sides_below = network.sides(theta, batch);
  coordinate = middle;
  if (sides_above != sides_below) return std::nullopt;
  return (above - below) / (2 * kStep);
}

/// Compares up to about `most` of the coordinates first … first + size − 1 with their gradient.
template <class Quotient>
void compare(const std::string& name, Quotient quotient_at, const std::vector<double>& gradient, std::size_t first,
             std::size_t size, std::size_t most) {
  std::vector<double> quotients, errors;
  std::size_t tried = 0;
  for (std::size_t i = first; i < first + size; i += (size + most - 1) / most, ++tried)
    if (const auto quotient = quotient_at(i)) {
      quotients.push_back(*quotient);
      errors.push_back(gradient[i] - *quotient);
    }
  if (quotients.size() * 10 < tried * 9)
    check::fail(__FILE__, __LINE__, name, ": ", tried - quotients.size(), " of ", tried, " differences meet kinks");
  if (!(norm(errors) <= 1e-6 * norm(quotients)))
    check::fail(__FILE__, __LINE__, name, ": error ", norm(errors), " in a gradient of norm ", norm(quotients));
}

void check_gradients(const Example& example, Loss loss, std::size_t samples, std::size_t most) {
  const Reference network(example.input, example.layers, loss);
  auto theta = converted<double>(random_parameters(network.parameters(), 3));
  auto batch = random_batch<double>(samples, example.input.size(), network.num_outputs(), kSeed);
  const auto gradients = network.gradients(theta, batch);
  CHECK_EQUAL(gradients.loss, network.loss(theta, batch));
  const auto along_theta = [&](std::size_t i) { return quotient(network, theta, batch, theta[i]); };
  for (const auto& parameter : network.parameters())
    compare(example.name + ", " + parameter.name, along_theta, gradients.parameters, parameter.offset,
            asap::model::size(parameter), most);
  const auto along_inputs = [&](std::size_t i) { return quotient(network, theta, batch, batch.inputs[i]); };
  compare(example.name + ", inputs", along_inputs, gradients.inputs, 0, batch.inputs.size(), most);
}

}  // namespace

TEST(every_kind_of_layer_alone_agrees_with_central_differences) {
  const std::vector<Example> alone{{"Dense", {6}, {Dense{4}}},
                                   {"Conv2d", {2, 5, 6}, {Conv2d{3, 2}}},
                                   {"MaxPool2d", {2, 6, 7}, {MaxPool2d{2}}},
                                   {"Relu", {12}, {Relu{}}},
                                   {"Tanh", {12}, {Tanh{}}},
                                   {"Flatten", {2, 2, 3}, {Flatten{}}}};
  for (const auto& example : alone)
    for (const Loss loss : {Loss::softmax_cross_entropy, Loss::mean_squared_error})
      check_gradients(example, loss, 3, 1000);
}

TEST(small_networks_agree_with_central_differences) {
  for (const auto& example : small_examples())
    for (const Loss loss : {Loss::softmax_cross_entropy, Loss::mean_squared_error})
      check_gradients(example, loss, 3, 100);
}

TEST(the_networks_of_the_papers_agree_with_central_differences) {
  for (const auto& example : papers_examples())
    for (const Loss loss : {Loss::softmax_cross_entropy, Loss::mean_squared_error})
      check_gradients(example, loss, 2, 10);
}
