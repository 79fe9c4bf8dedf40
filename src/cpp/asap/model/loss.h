// The end of the chain: loss, its gradient, and hits, of a batch whose outputs are in the workspace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "asap/data/dataset.h"
#include "asap/model/workspace.h"

namespace asap::model {

/// Copies the labels or targets of the slice's samples into the workspace.
void gather_truth(const Dataset& dataset, std::span<const std::uint64_t> indices, NetworkWorkspace& workspace);

/// The summed loss of the outputs.
double loss_sum(std::size_t samples, NetworkWorkspace& workspace);

/// The summed loss; workspace.d_output becomes the gradient of that sum times `weight`.
double differentiate_loss(std::size_t samples, NetworkWorkspace& workspace, float weight);

/// How many outputs are largest at their label (the first one, where several are; never where one is NaN).
std::uint64_t count_hits(std::size_t samples, NetworkWorkspace& workspace);

/// What the user sees of the outputs: probabilities under softmax cross-entropy, plain values otherwise.
void write_predictions(std::size_t samples, NetworkWorkspace& workspace, float* predictions);

}  // namespace asap::model
