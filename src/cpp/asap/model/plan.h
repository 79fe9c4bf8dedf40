// The plan of a network: its layers turned into stages, with the size of every array between them.
#pragma once

#include <cstddef>
#include <vector>

#include "asap/model/network.h"
#include "asap/model/stage.h"

namespace asap::model {

/// Immutable once made. Thread-safe.
struct Plan {
  const kernels::Table& kernels;
  Shape input;
  std::vector<Layer> layers;
  Loss loss;

  std::size_t num_outputs = 0, num_parameters = 0;
  std::vector<Parameter> parameters = {};

  std::vector<StagePointer> stages = {};
  std::vector<Extent> extents =
      {};                         ///< extents[i] is the input of stage i, extents[i + 1] its output; the last is rows
  std::size_t first_trained = 0;  ///< the first stage with parameters: backward passes end there
  std::size_t slice = 0;          ///< samples that pass through the stages together
};

/// Throws std::invalid_argument when the layers do not fit.
Plan make_plan(Shape input, std::vector<Layer> layers, Loss loss, const kernels::Table& kernels);

}  // namespace asap::model
