// Shape inference: which shape a layer makes of which, and which parameters it has.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "asap/model/network.h"

namespace asap::model {

/// One visitor made of lambdas, for std::visit over Layer.
template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

/// "dense", "conv2d" …: the layer's word in parameter names.
std::string kind(const Layer& layer);

/// The shape of the layer's output. Throws std::invalid_argument that names the layer by its position and its kind.
Shape output_shape(std::size_t position, const Layer& layer, const Shape& input);

/// The layer's parameters in their order in memory, from `offset` on without gaps; none for most layers.
std::vector<Parameter> layer_parameters(std::size_t position, const Layer& layer, const Shape& input,
                                        std::size_t offset);

/// Number of components of a parameter.
std::size_t size(const Parameter& parameter);

}  // namespace asap::model
