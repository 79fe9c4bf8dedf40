// What a network is made of, and what it refuses.
#include "asap/kernels/kernels.h"
#include "check.h"
#include "model_examples.h"

using namespace examples;
using asap::Loss;
using asap::Network;
using asap::Shape;

namespace {

constexpr Loss kClasses = Loss::softmax_cross_entropy;
constexpr Shape kGray{1, 28, 28}, kColour{3, 32, 32};

Network make(Shape input, Layers layers, Loss loss = kClasses) { return {input, std::move(layers), loss}; }

std::string text(const std::vector<asap::Parameter>& parameters) {
  std::ostringstream out;
  for (const auto& parameter : parameters) {
    out << parameter.name;
    for (const auto extent : parameter.shape) out << " " << extent;
    out << " @" << parameter.offset << "; ";
  }
  return out.str();
}

}  // namespace

TEST(the_networks_of_the_papers_have_their_numbers_of_parameters) {
  CHECK_EQUAL(make(kGray, mlp()).num_parameters(), 134794u);
  CHECK_EQUAL(make(kGray, cnn()).num_parameters(), 27354u);
  CHECK_EQUAL(make(kGray, lenet()).num_parameters(), 34622u);
  CHECK_EQUAL(make(kColour, lenet()).num_parameters(), 52202u);
}

TEST(parameters_are_named_by_position_and_packed) {
  const auto network = make({2, 6, 5}, {Relu{}, Conv2d{3, 2}, Tanh{}, Flatten{}, Dense{4}});
  CHECK_EQUAL(text(network.parameters()),
              "1.conv2d.weight 3 2 2 2 @0; 1.conv2d.bias 3 @24; 4.dense.weight 60 4 @27; 4.dense.bias 4 @267; ");
  CHECK_EQUAL(network.num_parameters(), 271u);
}

TEST(a_network_says_what_it_was_made_of) {
  const auto network = make({2, 6, 5}, {Conv2d{3, 2}, Relu{}, Dense{4}}, Loss::mean_squared_error);
  CHECK_EQUAL(network.input(), Shape({2, 6, 5}));
  CHECK_EQUAL(network.num_outputs(), 4u);
  CHECK_EQUAL(network.layers().size(), 3u);
  CHECK_EQUAL(std::get<asap::Conv2d>(network.layers()[0]).filters, 3u);
  CHECK(network.loss() == Loss::mean_squared_error);
}

TEST(outputs_without_a_dense_layer_are_the_features_of_the_image) {
  CHECK_EQUAL(make({1, 4, 4}, {Conv2d{3, 3}}).num_outputs(), 12u);
}

TEST(a_network_may_move) {
  Network first = make({4}, {Dense{3}});
  const auto workspace = first.workspace(1);
  const Network second = std::move(first);
  const std::vector<float> theta(15, 0.5f), inputs(4, 1.0f);
  std::vector<float> outputs(3);
  second.predict(theta.data(), view(inputs, 1, {4}), all_indices(1), *workspace, outputs.data());
  CHECK_NEAR(outputs[0], 1.0 / 3, 1e-6);
}

TEST(layers_that_do_not_fit_are_refused_by_name) {
  const auto refuses = [](Shape input, Layers layers, const char* part) {
    CHECK_THROWS(std::invalid_argument, make(input, layers), part);
  };
  refuses({3, 12, 12}, {Conv2d{3, 5}, MaxPool2d{2}, Conv2d{3, 5}},
          "layer 2 (Conv2d, window 5): its input is 3×4×4, smaller than the window; accepted are windows from 1 to 4");
  refuses({1, 4, 9}, {Relu{}, MaxPool2d{5}}, "layer 1 (MaxPool2d, window 5): its input is 1×4×9, smaller");
  refuses({1, 6, 6}, {Conv2d{2, 3}, Dense{7}, MaxPool2d{2}}, "layer 2 (MaxPool2d, window 2): its input is 7×1×1");
  refuses({1, 6, 6}, {Conv2d{0, 3}}, "layer 0 (Conv2d, window 3): filters is 0; accepted are numbers from 1 on");
  refuses({1, 6, 6}, {Conv2d{2, 0}}, "layer 0 (Conv2d, window 0): window is 0");
  refuses({1, 6, 6}, {MaxPool2d{0}}, "layer 0 (MaxPool2d, window 0): window is 0");
  refuses({1, 6, 6}, {Relu{}, Tanh{}, Flatten{}, Dense{0}}, "layer 3 (Dense, 0 units): units is 0");
  refuses({1, 0, 6}, {Dense{2}}, "the input shape is 1×0×6");
  refuses({6}, {Relu{}, Flatten{}}, "none of the 2 layers has parameters");
  refuses({6}, {}, "none of the 0 layers has parameters");
}

TEST(a_data_set_that_does_not_fit_is_refused) {
  const auto classifier = make({1, 4, 4}, {Dense{3}});
  const auto regression = make({1, 4, 4}, {Dense{3}}, Loss::mean_squared_error);
  auto batch = random_batch<float>(5, 16, 3, 1);
  const auto refuses = [](const Network& network, const asap::Dataset& data, const char* part) {
    CHECK_THROWS(std::invalid_argument, network.check(data), part);
    CHECK_THROWS(std::invalid_argument, asap::NetworkObjective(network, data), part);
  };
  const auto good = dataset(batch, {1, 4, 4});
  classifier.check(good);
  regression.check(good);
  refuses(classifier, dataset(batch, {1, 2, 8}), "samples have shape 1×2×8; the network takes 1×4×4");

  auto data = good;
  data.labels = data.labels.first(4);
  refuses(classifier, data, "5 samples have 4 labels");
  data.labels = {};
  refuses(classifier, data, "5 samples have 0 labels; softmax cross-entropy needs one for each sample");
  data = good;
  data.target_size = 2;
  refuses(regression, data, "the data set has 2 per sample; the network has 3 outputs");
  data = good;
  data.targets = data.targets.first(12);
  refuses(regression, data, "5 samples have 12 target values; mean squared error needs 3 for each sample");

  batch.labels = {0, 2, 3, -1, 1};
  refuses(classifier, good, "labels[2] is 3; accepted are 0 … 2");
  batch.labels = {0, 2, 1, -1, 1};
  refuses(classifier, good, "labels[3] is -1; accepted are 0 … 2");
}

TEST(a_batch_or_workspace_that_does_not_fit_is_refused) {
  const auto network = make({4}, {Dense{3}});
  const auto other = make({4}, {Dense{3}});
  const auto batch = random_batch<float>(5, 4, 3, 1);
  const auto data = dataset(batch, {4});
  const std::vector<float> theta(15);
  std::vector<float> gradient(15);
  const auto workspace = network.workspace(4), foreign = other.workspace(5);
  struct Alien final : asap::Workspace {
  } alien;
  const auto run = [&](std::size_t samples, asap::Workspace& with) {
    return network.gradient(theta.data(), data, all_indices(samples), with, gradient.data());
  };
  run(4, *workspace);
  CHECK_THROWS(std::invalid_argument, run(5, *workspace), "the batch has 5 samples; this workspace takes 1 … 4");
  CHECK_THROWS(std::invalid_argument, run(0, *workspace), "the batch has 0 samples; this workspace takes 1 … 4");
  CHECK_THROWS(std::invalid_argument, run(3, *foreign), "the workspace was made for another network");
  CHECK_THROWS(std::invalid_argument, run(3, alien), "the workspace was made for another network");
  CHECK_THROWS(std::invalid_argument, network.workspace(0), "max_batch is 0");
  CHECK_THROWS(
      std::invalid_argument,
      network.predict(theta.data(), view(batch.inputs, 5, {2, 2}), all_indices(1), *workspace, gradient.data()),
      "samples have shape 2×2×1; the network takes 4×1×1");
  CHECK_THROWS(std::invalid_argument, network.initialise(asap::Initialiser::he, 1, std::span(gradient).first(14)),
               "theta has 14 components; the network has 15 parameters");
}

TEST(an_objective_is_its_network_on_its_data_set) {
  const auto network = make({1, 12, 12}, small_lenet());
  const auto batch = random_batch<float>(9, 144, 4, 1);
  const auto data = dataset(batch, {1, 12, 12});
  const asap::NetworkObjective objective(network, data);
  const auto theta = random_parameters(network.parameters(), 1);
  const std::vector<std::uint64_t> indices{8, 3, 3, 0, 5};
  std::vector<float> direct(theta.size()), through(theta.size());
  const auto workspace = objective.workspace(5);
  const double loss = network.gradient(theta.data(), data, indices, *workspace, direct.data());
  CHECK_EQUAL(objective.num_parameters(), theta.size());
  CHECK_EQUAL(objective.num_samples(), 9u);
  CHECK_EQUAL(objective.gradient(theta.data(), {7, indices}, workspace.get(), through.data()), loss);
  CHECK(direct == through);
  CHECK_EQUAL(objective.evaluate(theta.data(), {7, indices}, workspace.get()).correct,
              network.evaluate(theta.data(), data, indices, *workspace).correct);
}
