// What a run begins with: at its very beginning, or behind the checkpoint that it is resumed from.
#pragma once

#include <span>

#include "asap/core/aligned_buffer.h"
#include "asap/step/adaptation.h"
#include "asap/store/state_layout.h"
#include "asap/train/trainer.h"

namespace asap {

/// Another number of workers is another execution, of which a policy takes a sample of its own.
bool is_same_team(const TrainOptions& options);

/// A policy goes on where it was if there are as many workers, else it samples anew.
Adaptation adaptation_of(const TrainOptions& options);

StateLayout layout_of(const TrainOptions& options, std::size_t num_parameters,
                      std::pmr::memory_resource* memory = std::pmr::new_delete_resource());

/// θ and, of a resumed run, what else a store keeps.
AlignedBuffer<float> first_state(const StateLayout& layout, std::span<const float> theta, const Checkpoint* resume);

/// The other way round: the parts of a state into a checkpoint. Returns whether all of it is finite.
bool keep_state(Checkpoint& checkpoint, const StateLayout& layout, const float* state);

}  // namespace asap
