// What a run is refused for before it begins. Each throws std::invalid_argument, which names the option, what was given
// and what is accepted.
#pragma once

#include "asap/train/trainer.h"

namespace asap {

/// By themselves: what can be told before there is an objective.
void check(const TrainOptions& options, std::size_t max_workers);

/// What only some objectives can do.
void check_fusible(const Objective& objective, const engine::Engine& engine);

/// The parameters to start from.
void check(const Objective& objective, std::span<const float> theta);

void check_validation(const Objective& objective, const Objective& validation);

}  // namespace asap
