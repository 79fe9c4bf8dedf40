// What if: a recorded schedule once more, under another policy. The same gradients read and publish in the same order,
// on the same batches; only C, and with it the parameters, are others. Two policies so compared differ in nothing else,
// not even in the order of updates.
#pragma once

#include <span>

#include "asap/trace/record.h"
#include "asap/train/trainer.h"

namespace asap {

/// Runs the schedule in `records`, of a run on threads or a simulated one that began at version 0 in theta, and leaves
/// the result there. Of the options it takes policy, rate, momentum, weight decay, seed, workers, batch size, and who
/// looks on; the limits are those of the schedule. A gradient that the run's policy rejected is published if this one
/// accepts, and the other way round: τ counts the updates of this run. Who was dropped is dropped.
///
/// Under the run's own options the result has the run's bits: of every simulated run with consistent views, and of a
/// run on threads whose policy needs no sample (a table takes a moment to reach its workers, which belongs to no
/// schedule). A schedule has an order, but no times: all seconds are 0. Hogwild! has no versions that gradients are
/// computed on; its schedule gives one of the consistent runs near it.
///
/// Memory and exceptions: as simulate(); std::invalid_argument also for a trace that is no possible history.
Report what_if(const Objective& objective, std::span<float> theta, const TrainOptions& options,
               std::span<const TraceRecord> records, Observer& observer);

}  // namespace asap
