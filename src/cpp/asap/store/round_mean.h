// The mean gradient of a synchronous round: one arithmetic for the round's workers, each on a slice, and for a replay.
#pragma once

#include <span>

#include "asap/store/store.h"

namespace asap {

/// Leaves in the first gradient, on the components [first, last), the mean of all: weighed by samples, summed in this
/// order. The bits of a component do not depend on the range. `H` is a Handle of any kind.
template <class H>
void average(std::span<H* const> round, std::size_t first, std::size_t last) {
  std::size_t samples = 0;
  for (const H* handle : round) samples += handle->samples;
  const auto weight = [&](const H& handle) {
    return static_cast<float>(static_cast<double>(handle.samples) / static_cast<double>(samples));
  };
  float* mean = round.front()->gradient.data() + first;
  kernels::active().scaled_copy(last - first, weight(*round.front()), mean, mean);
  for (const H* handle : round.subspan(1))
    kernels::active().accumulate(last - first, weight(*handle), handle->gradient.data() + first, mean);
}

}  // namespace asap
