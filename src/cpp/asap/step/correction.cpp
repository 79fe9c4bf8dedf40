#include "asap/step/correction.h"

#include <cmath>

#include "asap/core/error.h"

namespace asap::correction {

void check(const Correction& correction) {
  if (const auto* delay = std::get_if<DelayCompensated>(&correction))
    if (!(delay->strength >= 0.0 && std::isfinite(delay->strength)))
      invalid_argument("strength must be a finite number ≥ 0; got ", delay->strength);
  if (const auto* gap = std::get_if<GapAware>(&correction))
    if (!(gap->memory >= 0.0 && gap->memory < 1.0)) invalid_argument("memory must be in [0, 1); got ", gap->memory);
  if (const auto* norm = std::get_if<NormClipped>(&correction))
    if (!(norm->bound > 0.0 && std::isfinite(norm->bound)))
      invalid_argument("bound must be a finite number above 0; got ", norm->bound);
}

}  // namespace asap::correction
