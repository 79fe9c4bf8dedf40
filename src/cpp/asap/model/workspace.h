// Everything a thread needs to run a network, allocated once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/model/plan.h"

namespace asap::model {

/// For batches of up to max_batch samples, with buffers for slices of them; zeroed, hence first touched, by the thread
/// that makes the workspace. One thread at a time.
struct NetworkWorkspace final : Workspace {
  NetworkWorkspace(const Plan& plan, std::size_t max_batch, std::size_t slice);

  const Plan& plan;
  const std::size_t max_batch, slice;
  std::vector<AlignedBuffer<float>> activations;     ///< [0] the gathered inputs, [i + 1] the output of stage i
  std::vector<AlignedBuffer<std::int16_t>> winners;  ///< [i] of stage i, from the forward to the backward pass
  AlignedBuffer<float> d_output, d_input;            ///< gradients behind and in front of a stage, exchanged on the way
  AlignedBuffer<float> scratch;
  AlignedBuffer<std::int32_t> labels;  ///< of the slice
  AlignedBuffer<float> targets;        ///< of the slice
  std::size_t samples = 0;             ///< in the slice whose forward pass was the last

  float* outputs() { return activations.back().data(); }
};

/// Calls visit(slice, behind) for the slices of a batch, in order: as equal in size as whole groups of lanes allow.
/// `behind` begins with the samples of the slice that follows, in the batch or in the `next` one.
template <class Visit>
void for_each_slice(const NetworkWorkspace& workspace, std::span<const std::uint64_t> indices,
                    std::span<const std::uint64_t> next, Visit visit) {
  const std::size_t lanes = workspace.plan.kernels.lanes;
  const std::size_t parts = (indices.size() + workspace.slice - 1) / workspace.slice;
  const std::size_t size = (indices.size() + parts * lanes - 1) / (parts * lanes) * lanes;
  while (!indices.empty()) {
    const auto slice = indices.first(std::min(size, indices.size()));
    indices = indices.subspan(slice.size());
    visit(slice, indices.empty() ? next : indices.first(std::min(size, indices.size())));
  }
}

/// The network's view of a workspace. Throws std::invalid_argument when it was made for another network, or when the
/// batch is empty or larger than it allows.
NetworkWorkspace& require_workspace(const Plan& plan, Workspace& workspace, std::size_t samples);

}  // namespace asap::model
