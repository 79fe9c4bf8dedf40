#include "asap/model/shape.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "asap/core/error.h"

namespace asap::model {
namespace {

std::string with_window(const char* name, std::size_t window) {
  return std::string(name) + ", window " + std::to_string(window);
}

/// "layer 2 (Conv2d, window 5)".
std::string describe(std::size_t position, const Layer& layer) {
  const auto text = std::visit(
      Overloaded{[](const Dense& dense) { return "Dense, " + std::to_string(dense.units) + " units"; },
                 [](const Conv2d& convolution) { return with_window("Conv2d", convolution.window); },
                 [](const MaxPool2d& pooling) { return with_window("MaxPool2d", pooling.window); },
                 [](const Relu&) { return std::string("Relu"); }, [](const Tanh&) { return std::string("Tanh"); },
                 [](const Flatten&) { return std::string("Flatten"); }},
      layer);
  return "layer " + std::to_string(position) + " (" + text + ")";
}

void require_positive(std::size_t value, const char* name, const std::string& layer, const Shape& input) {
  if (value == 0)
    invalid_argument(layer, ": ", name, " is 0; accepted are numbers from 1 on (its input is ", input, ")");
}

void require_window(std::size_t window, const std::string& layer, const Shape& input) {
  require_positive(window, "window", layer, input);
  const std::size_t largest = std::min(input.height, input.width);
  if (window > largest)
    invalid_argument(layer, ": its input is ", input, ", smaller than the window; accepted are windows from 1 to ",
                     largest);
}

/// Applies a layer to shapes; `name` is its description for error messages.
struct Inference {
  const std::string name;
  const Shape& input;

  Shape operator()(const Dense& dense) const {
    require_positive(dense.units, "units", name, input);
    return {dense.units, 1, 1};
  }
  Shape operator()(const Conv2d& convolution) const {
    require_positive(convolution.filters, "filters", name, input);
    require_window(convolution.window, name, input);
    return {convolution.filters, input.height - convolution.window + 1, input.width - convolution.window + 1};
  }
  Shape operator()(const MaxPool2d& pooling) const {
    require_window(pooling.window, name, input);
    return {input.channels, input.height / pooling.window, input.width / pooling.window};
  }
  Shape operator()(const Relu&) const { return input; }
  Shape operator()(const Tanh&) const { return input; }
  Shape operator()(const Flatten&) const { return {input.size(), 1, 1}; }
};

std::vector<std::size_t> weight_shape(const Layer& layer, const Shape& input) {
  if (const auto* dense = std::get_if<Dense>(&layer)) return {input.size(), dense->units};
  if (const auto* convolution = std::get_if<Conv2d>(&layer))
    return {convolution->filters, input.channels, convolution->window, convolution->window};
  return {};
}

std::size_t num_biases(const Layer& layer) {
  if (const auto* dense = std::get_if<Dense>(&layer)) return dense->units;
  return std::get<Conv2d>(layer).filters;
}

}  // namespace

std::string kind(const Layer& layer) {
  static constexpr const char* kNames[] = {"dense", "conv2d", "max_pool2d", "relu", "tanh", "flatten"};
  static_assert(std::size(kNames) == std::variant_size_v<Layer>);
  return kNames[layer.index()];
}

Shape output_shape(std::size_t position, const Layer& layer, const Shape& input) {
  return std::visit(Inference{describe(position, layer), input}, layer);
}

std::vector<Parameter> layer_parameters(std::size_t position, const Layer& layer, const Shape& input,
                                        std::size_t offset) {
  const auto shape = weight_shape(layer, input);
  if (shape.empty()) return {};
  const std::string name = std::to_string(position) + "." + kind(layer);
  const Parameter weight{name + ".weight", shape, offset};
  return {weight, {name + ".bias", {num_biases(layer)}, offset + size(weight)}};
}

std::size_t size(const Parameter& parameter) {
  return std::accumulate(parameter.shape.begin(), parameter.shape.end(), std::size_t{1}, std::multiplies<>());
}

}  // namespace asap::model
