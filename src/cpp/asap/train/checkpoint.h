// A run between two updates, with none on its way: all that is needed to go on as if it had never been interrupted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "asap/core/types.h"
#include "asap/staleness/distribution.h"
#include "asap/step/adaptation.h"
#include "asap/store/state_layout.h"
#include "asap/train/report.h"

namespace asap {

/// What one worker has done since the run began.
struct WorkerTotals {
  Counts counts;
  Distribution staleness;             ///< of its published updates and gathered gradients
  Distribution rejections;            ///< of its rejected ones
  Distribution sampled;               ///< of both, for the policy
  std::uint64_t sample_progress = 0;  ///< towards the policy's next table
};

/// Batches are numbered and their order is a function of the seed: `gradients` is where to go on.
struct Checkpoint {
  Version version = 0;
  std::uint64_t gradients = 0;         ///< worked on to the end; the batches below this number, and no other ones
  std::vector<std::uint64_t> open;     ///< of a parameter server: batches with a learner then, so that `gradients` are
                                       ///< those below gradients + open.size(), but for these
  double seconds = 0;                  ///< of the run's clock
  std::vector<float> theta, velocity;  ///< no velocity: the run has no momentum
  std::vector<float> movement;         ///< as the state's (store/state_layout.h)
  std::size_t num_workers = 1;         ///< when it was made
  std::vector<WorkerTotals> workers;   ///< of these, and of those who were more before

  AdaptationState adaptation;  ///< its last table is in force

  std::vector<EpochRecord> history;
  Counts last_totals = {};  ///< at the last row
  std::uint64_t last_row_gradients = 0;
};

/// Throws std::invalid_argument unless a run with such a state can go on from it.
void check(const Checkpoint& checkpoint, const StateLayout& layout);

/// How far checkpoints are apart: each one is due at the first multiple of `every` behind the one before, and made once
/// the workers have finished their updates.
struct CheckpointInterval {
  enum class Unit { epochs, updates, seconds };
  double every = 1;
  Unit unit = Unit::epochs;
};

}  // namespace asap
