// Where a store begins.
#pragma once

#include <concepts>
#include <span>

#include "asap/core/types.h"

namespace asap {

/// The beginning of a state, as StateLayout has it: θ, and of a resumed run the velocity behind it (zeros where it is
/// not given). `version` updates have been published before.
struct Start {
  template <class Range>
    requires std::convertible_to<const Range&, std::span<const float>>
  Start(const Range& the_state, Version the_version = 0) : state(the_state), version(the_version) {}

  std::span<const float> state;
  Version version;
};

}  // namespace asap
