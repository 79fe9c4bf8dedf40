// Networks, parameters and data that the tests of the models share.
#pragma once

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "asap/core/rng.h"
#include "asap/model/network.h"
#include "asap/model/reference.h"

namespace reference = asap::model::reference;

namespace examples {

using asap::Conv2d;
using asap::Dense;
using asap::Flatten;
using asap::MaxPool2d;
using asap::Relu;
using asap::Tanh;
using Layers = std::vector<asap::Layer>;

// The networks of the papers (MLP, CNN, LeNet), with the sizes of their layers to choose.
inline Layers mlp(std::size_t hidden = 128, std::size_t outputs = 10) {
  return {Dense{hidden}, Relu{}, Dense{hidden}, Relu{}, Dense{hidden}, Relu{}, Dense{outputs}};
}
inline Layers cnn() {
  return {Conv2d{4, 3}, Relu{}, MaxPool2d{2}, Conv2d{8, 3}, Relu{}, MaxPool2d{2}, Dense{128}, Relu{}, Dense{10}};
}
inline Layers lenet() {
  return {Conv2d{6, 5}, Relu{}, MaxPool2d{2}, Conv2d{16, 5}, Relu{}, MaxPool2d{2}, Dense{120}, Relu{}, Dense{10}};
}
inline Layers small_lenet() {
  return {Conv2d{2, 3}, Relu{}, MaxPool2d{2}, Conv2d{3, 2}, Tanh{}, MaxPool2d{2}, Dense{7}, Relu{}, Dense{4}};
}

struct Example {
  std::string name;
  asap::Shape input;
  Layers layers;
};

/// Every kind of layer behind and in front of every other kind that it can meet.
inline std::vector<Example> small_examples() {
  return {
      {"dense", {5}, {Dense{3}}},
      {"dense of an image", {2, 3, 3}, {Dense{4}}},
      {"dense relu dense", {7}, {Dense{9}, Relu{}, Dense{3}}},
      {"dense tanh dense", {7}, {Dense{17}, Tanh{}, Dense{3}}},
      {"relu first", {6}, {Relu{}, Dense{3}}},
      {"tanh last", {6}, {Dense{3}, Tanh{}}},
      {"convolution", {2, 5, 6}, {Conv2d{3, 2}, Flatten{}, Dense{3}}},
      {"convolution last", {1, 4, 4}, {Conv2d{3, 4}}},
      {"convolution of 1 by 1", {3, 2, 2}, {Conv2d{2, 1}, Tanh{}, Dense{3}}},
      {"two convolutions", {2, 6, 5}, {Conv2d{3, 3}, Relu{}, Conv2d{2, 2}, Tanh{}, Dense{3}}},
      {"pooling first", {2, 4, 6}, {MaxPool2d{2}, Conv2d{2, 2}, Dense{3}}},
      {"pooling with a rest", {1, 8, 6}, {Conv2d{2, 2}, Relu{}, MaxPool2d{3}, Dense{3}}},
      {"pooling before the activation", {1, 6, 6}, {Conv2d{2, 3}, MaxPool2d{2}, Relu{}, Dense{3}}},
      {"tanh before the pooling", {1, 6, 6}, {Conv2d{2, 3}, Tanh{}, MaxPool2d{2}, Dense{3}}},
      {"two activations", {1, 6, 6}, {Conv2d{2, 3}, Relu{}, Tanh{}, MaxPool2d{2}, Dense{5}, Tanh{}, Relu{}, Dense{3}}},
      {"two poolings", {1, 9, 9}, {Conv2d{2, 2}, Tanh{}, MaxPool2d{2}, MaxPool2d{2}, Dense{3}}},
      {"flatten before the activation", {1, 4, 4}, {Conv2d{2, 3}, Flatten{}, Relu{}, Flatten{}, Dense{3}}},
      {"convolution of features", {5}, {Dense{6}, Relu{}, Conv2d{3, 1}, Relu{}, MaxPool2d{1}, Dense{3}}},
      {"pooling of features", {5}, {Dense{6}, Relu{}, MaxPool2d{1}, Dense{3}}},
      {"small lenet", {2, 12, 11}, small_lenet()},
  };
}

inline std::vector<Example> papers_examples() {
  return {{"mlp", {1, 28, 28}, mlp()},
          {"cnn", {1, 28, 28}, cnn()},
          {"lenet 28", {1, 28, 28}, lenet()},
          {"lenet 32", {3, 32, 32}, lenet()}};
}

/// A batch of inputs uniform in [-1, 1), labels 0 … outputs−1 and targets uniform in [-1, 1).
template <class T>
reference::Batch<T> random_batch(std::size_t samples, std::size_t features, std::size_t outputs, std::uint64_t seed) {
  asap::Rng rng(seed, asap::Stream::tests);
  const auto uniform = [&] { return static_cast<T>(static_cast<float>(2 * rng.uniform() - 1)); };
  reference::Batch<T> batch{samples, std::vector<T>(samples * features), {}, std::vector<T>(samples * outputs)};
  for (auto& value : batch.inputs) value = uniform();
  for (auto& value : batch.targets) value = uniform();
  for (std::size_t i = 0; i < samples; ++i)
    batch.labels.push_back(static_cast<std::int32_t>(rng.bits() % static_cast<std::uint32_t>(outputs)));
  return batch;
}

/// Weights from N(0, 2/inputs) and biases from N(0, 0.1²): signals keep their size from layer to layer.
inline std::vector<float> random_parameters(const std::vector<asap::Parameter>& parameters, std::uint64_t seed) {
  std::vector<float> theta;
  asap::Rng rng(seed, asap::Stream::tests, 1);
  for (const auto& [name, shape, offset] : parameters) {
    const std::size_t size = asap::model::size({name, shape, offset});
    const std::size_t inputs = shape.size() == 2 ? shape[0] : size / shape[0];
    const double deviation = shape.size() == 1 ? 0.1 : std::sqrt(2.0 / static_cast<double>(inputs));
    for (std::size_t i = 0; i < size; ++i) theta.push_back(static_cast<float>(deviation * rng.normal()));
  }
  return theta;
}

/// A view of contiguous float32 samples.
inline asap::SampleArray view(const std::vector<float>& values, std::size_t count, asap::Shape shape) {
  const auto bytes = [](std::size_t floats) { return static_cast<std::ptrdiff_t>(floats * sizeof(float)); };
  return {reinterpret_cast<const std::byte*>(values.data()),
          asap::ElementType::float32,
          count,
          shape,
          bytes(shape.size()),
          bytes(shape.height * shape.width),
          bytes(shape.width),
          bytes(1)};
}

/// A view of the batch as a data set with both labels and targets.
inline asap::Dataset dataset(const reference::Batch<float>& batch, asap::Shape shape) {
  return {view(batch.inputs, batch.samples, shape), batch.labels, batch.targets, batch.targets.size() / batch.samples};
}

/// 0 … count−1.
inline std::vector<std::uint64_t> all_indices(std::size_t count) {
  std::vector<std::uint64_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

template <class To, class From>
std::vector<To> converted(const std::vector<From>& values) {
  return std::vector<To>(values.begin(), values.end());
}

template <class T>
double norm(const std::vector<T>& values) {
  double sum = 0;
  for (const T value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

/// The part of a vector that belongs to a parameter.
template <class T>
std::vector<T> part(const std::vector<T>& values, const asap::Parameter& parameter) {
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(parameter.offset);
  return {first, first + static_cast<std::ptrdiff_t>(asap::model::size(parameter))};
}

}  // namespace examples
