// The two passes through a plan.
#pragma once

#include <cstddef>

#include "asap/model/workspace.h"

namespace asap::model {

/// From workspace.activations[0] to workspace.outputs().
void propagate_forward(const float* theta, std::size_t samples, NetworkWorkspace& workspace);

/// From workspace.d_output, the gradient of the outputs, to the gradient of the parameters, every component of which is
/// written after theta's was read for the last time. Needs what the forward pass left; overwrites d_output and d_input.
void propagate_backward(const float* theta, std::size_t samples, NetworkWorkspace& workspace, kernels::Write write,
                        float* gradient);

}  // namespace asap::model
