// The gradient that is published: one arithmetic for the workers of a run and for its replay.
#pragma once

#include "asap/kernels/kernels.h"
#include "asap/model/objective.h"

namespace asap {

/// Writes the gradient of the batch's mean loss at theta, plus weight_decay · theta, and returns that loss.
inline double decayed_gradient(const Objective& objective, double weight_decay, const float* theta, const Batch& batch,
                               Workspace* workspace, float* gradient) {
  const double loss = objective.gradient(theta, batch, workspace, gradient);
  if (weight_decay != 0.0)
    kernels::active().accumulate(objective.num_parameters(), static_cast<float>(weight_decay), theta, gradient);
  return loss;
}

}  // namespace asap
