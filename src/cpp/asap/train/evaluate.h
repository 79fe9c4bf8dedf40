// Evaluation of an objective over all its samples, in batches, so that a caller can look up in between.
#pragma once

#include <functional>
#include <optional>

#include "asap/model/objective.h"

namespace asap {

/// Loss and hits over all samples. `go_on` is asked after every batch; when it says no, there is no result.
std::optional<Metrics> evaluate(const Objective& objective, const float* theta, std::size_t batch_size,
                                Workspace* workspace, const std::function<bool()>& go_on);

/// The same without interruption, with a workspace of its own.
Metrics evaluate(const Objective& objective, const float* theta, std::size_t batch_size = 128);

}  // namespace asap
