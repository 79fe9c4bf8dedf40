// What a learner brings.
#pragma once

#include <cstdint>

#include "asap/core/types.h"

namespace asap::server {

/// A gradient that came in.
struct Delivery {
  std::uint64_t batch = 0;          ///< as it was handed out
  std::size_t worker = 0;           ///< who brings it: of each, one gradient at a time
  Version read = 0;                 ///< of the parameters that it was computed on
  double loss = 0;                  ///< mean over the batch
  const float* gradient = nullptr;  ///< of all parameters; not kept
};

}  // namespace asap::server
