// How far a run may go, in batches.
#pragma once

#include "asap/data/batch_source.h"
#include "asap/train/trainer.h"

namespace asap {

/// The batches of a run, up to its limits in epochs and updates.
BatchSource make_batches(const Objective& objective, const TrainOptions& options);

}  // namespace asap
