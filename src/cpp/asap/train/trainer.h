// The trainer: m workers minimise an objective on one shared parameter vector, the calling thread coordinates.
//
//   std::vector<float> theta = ...;                            // start in, result out
//   asap::Report report = asap::train(objective, theta, {.engine = asap::engine::Leashed{}, .workers = 4, ...});
//
// The calling thread waits for events, rebuilds scale tables, evaluates snapshots and calls the observer; workers never
// do. Thread-safety: several calls may run at the same time, each with parameters of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "asap/model/objective.h"
#include "asap/platform/placement.h"
#include "asap/staleness/distribution.h"
#include "asap/step/correction.h"
#include "asap/step/policy.h"
#include "asap/step/rate.h"
#include "asap/trace/record.h"
#include "asap/train/checkpoint.h"
#include "asap/train/engine.h"
#include "asap/train/report.h"

namespace asap {

/// What becomes of a gradient with values that are not finite.
enum class OnNonfinite {
  stop,  ///< the run ends as diverged, with the last finite parameters
  skip,  ///< it is given up and counted; where the updates are limited another batch replaces it. A run whose worker
         ///< skips more gradients in a row than an epoch has batches diverges nevertheless: no update will mend it.
};

struct TrainOptions {
  engine::Engine engine = engine::Leashed{};
  std::size_t workers = 1;
  std::size_t batch_size = 32;

  // The run ends at the first limit reached; at least one must be set.
  std::optional<std::uint64_t> epochs = std::nullopt;   ///< passes over the data
  std::optional<std::uint64_t> updates = std::nullopt;  ///< published updates
  std::optional<double> seconds = std::nullopt;

  Rate rate = Rate::constant(0.01);
  Policy policy = policy::constant();
  correction::Correction correction = {};  ///< of gradients; those that need the view keep it until the publication
  double momentum = 0.0;
  double weight_decay = 0.0;
  std::uint64_t seed = 0;  ///< of the batch order

  /// Binds every worker's thread to a CPU of the calling thread's affinity mask, which itself stays as it is. A refusal
  /// is no error: Report::placement tells of it.
  Affinity affinity = Affinity::none;

  /// With `skip` every gradient is searched, with `stop` only losses, and parameters now and then: both are enough
  /// there.
  OnNonfinite on_nonfinite = OnNonfinite::stop;

  const Objective* validation = nullptr;  ///< evaluated on a snapshot at the end of every epoch

  /// How often the observer gets a snapshot, in published updates. Nothing: never.
  std::optional<std::uint64_t> snapshots = std::nullopt;

  /// Gets a record of every gradient, for replay(); what it throws ends the run. nullptr: the run is not traced.
  TraceSink* trace = nullptr;

  /// How often the observer gets a checkpoint, and another one at the end of a run that did not diverge. Nothing:
  /// never.
  std::optional<CheckpointInterval> checkpoint = std::nullopt;

  /// Where to go on, instead of the beginning: all limits count from there. Everything above must be as it was, except
  /// for limits, validation and trace, and with another number of workers the policy begins anew. nullptr: a run of its
  /// own.
  const Checkpoint* resume = nullptr;
};

/// The live state of a run, for the observer. Valid only during its calls.
class LiveRun {
 public:
  virtual ~LiveRun() = default;
  virtual double seconds() const = 0;
  virtual double epoch() const = 0;   ///< epochs of data worked on so far
  virtual Counts counts() const = 0;  ///< may lag behind the workers by an update each
  virtual Distribution staleness() const = 0;
  /// Copies the current parameters (num_parameters() floats) and returns their version.
  virtual Version snapshot(std::span<float> theta) = 0;
  /// Every worker ends after its current update; train() then returns with this status.
  virtual void request_stop(Status status = Status::stopped) = 0;
};

/// When a snapshot was taken.
struct Moment {
  Version version = 0;  ///< of the parameters
  double epoch = 0;     ///< epochs of data worked on
  double seconds = 0;   ///< since the workers started
};

/// Where a run failed.
struct Failure {
  /// In which worker; none: on the calling thread (policy, validation, observer).
  std::optional<std::size_t> worker = std::nullopt;
  std::optional<std::uint64_t> batch = std::nullopt;  ///< the worker's; none before its first one
  Version read = 0;                                   ///< of the parameters that it worked on
  Tau tau = 0;                                        ///< updates published since, as far as counted
  std::uint64_t updates = 0;                          ///< published in all, as far as counted
};

/// Called by train() on its own thread. An exception thrown here stops the workers and is passed on to train()'s
/// caller.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_epoch(const EpochRecord&, LiveRun&) {}      ///< after each row of the history
  virtual void on_tick(LiveRun&) {}                           ///< about every 50 ms, during evaluations too
  virtual void on_checkpoint(const Checkpoint&, LiveRun&) {}  ///< while the workers go on
  /// Of a run with TrainOptions::snapshots: parameters, finite or not, about in the order of their versions.
  virtual void on_snapshot(std::span<const float>, const Moment&, LiveRun&) {}
  virtual void on_failure(const Failure&) noexcept {}  ///< before the exception is passed on, when all have ended
};

/// Trains from the parameters in theta (of a resumed run from those of its checkpoint) and leaves the result there;
/// when the run diverged, the last snapshot taken before that whose values were all finite. Throws
/// std::invalid_argument for options that do not fit, and passes on the first exception of a worker, the policy or the
/// observer after all threads have ended; theta then holds the final parameters if finite, else the last finite
/// snapshot. In a child that was forked by the observer or the policy it throws std::runtime_error, since the workers
/// are the parent's; theta is left as it is there.
Report train(const Objective& objective, std::span<float> theta, const TrainOptions& options, Observer& observer);
Report train(const Objective& objective, std::span<float> theta, const TrainOptions& options);

}  // namespace asap
