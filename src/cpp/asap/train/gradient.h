// The gradient that is published: one arithmetic for the workers of a run and for its replay.
#pragma once

#include <cmath>

#include "asap/kernels/kernels.h"
#include "asap/model/objective.h"
#include "asap/step/correction.h"

namespace asap {

/// Shortens a gradient that is longer than the bound. One that is not finite stays so.
inline void clip_norm(double bound, std::size_t n, float* gradient) {
  const double squared = kernels::active().squared_norm(n, gradient);
  if (squared > bound * bound)
    kernels::active().scaled_copy(n, static_cast<float>(bound / std::sqrt(squared)), gradient, gradient);
}

/// Writes the gradient of the batch's mean loss at theta, plus weight_decay · theta, and returns that loss. Of the
/// corrections, the one that needs the gradient alone is made here.
inline double decayed_gradient(const Objective& objective, double weight_decay, const float* theta, const Batch& batch,
                               Workspace* workspace, float* gradient, const correction::Correction& correction = {}) {
  const double loss = objective.gradient(theta, batch, workspace, gradient);
  if (weight_decay != 0.0)
    kernels::active().accumulate(objective.num_parameters(), static_cast<float>(weight_decay), theta, gradient);
  if (const auto* norm = std::get_if<correction::NormClipped>(&correction))
    clip_norm(norm->bound, objective.num_parameters(), gradient);
  return loss;
}

}  // namespace asap
