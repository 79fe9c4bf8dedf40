// Everything a thread needs to run a network, allocated once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/model/plan.h"

namespace asap::model {

/// Buffers for batches of up to max_batch samples; zeroed, hence first touched, by the thread that makes the workspace.
/// One thread at a time.
struct NetworkWorkspace final : Workspace {
  NetworkWorkspace(const Plan& plan, std::size_t max_batch);

  const Plan& plan;
  const std::size_t max_batch;
  std::vector<AlignedBuffer<float>> activations;  ///< [0] the gathered inputs, [i + 1] the output of stage i
  AlignedBuffer<float> d_output, d_input;         ///< gradients behind and in front of a stage, exchanged on the way
  AlignedBuffer<float> scratch;
  AlignedBuffer<std::int32_t> labels;  ///< of the batch
  AlignedBuffer<float> targets;        ///< of the batch

  float* outputs() { return activations.back().data(); }
};

/// The network's view of a workspace. Throws std::invalid_argument when it was made for another network, or when the
/// batch is empty or larger than it allows.
NetworkWorkspace& require_workspace(const Plan& plan, Workspace& workspace, std::size_t samples);

}  // namespace asap::model
