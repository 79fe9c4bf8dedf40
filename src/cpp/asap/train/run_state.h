// What the workers of one run share besides the store, and the coordinator reads.
#pragma once

#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <vector>

#include "asap/data/batch_source.h"
#include "asap/platform/own_process.h"
#include "asap/platform/placement.h"
#include "asap/step/adaptation.h"
#include "asap/step/scale_table.h"
#include "asap/trace/spiller.h"
#include "asap/train/clock.h"
#include "asap/train/event_queue.h"
#include "asap/train/signal.h"
#include "asap/train/snapshot_queue.h"
#include "asap/train/trainer.h"
#include "asap/train/worker_state.h"

namespace asap {

/// Thread-safety: members are atomics, immutable, single-writer, or guarded as noted.
struct RunState {
  static constexpr std::uint64_t kUnlimited = BatchSource::kUnlimited;

  RunState(const Objective& the_objective, const TrainOptions& the_options);

  const Objective& objective;
  const TrainOptions& options;
  const bool same_team;       // as many workers as before the checkpoint, if it is resumed from one
  const std::uint64_t first;  // number of the first batch
  BatchSource batches;
  Adaptation adaptation;      // the coordinator's, while workers run
  const SampleWindow window;  // of the adaptation: the updates whose τ the workers count for it
  TableSwitch tables;
  Clock clock;
  EventQueue events;
  SnapshotQueue snapshots{options.snapshots, objective.num_parameters()};  // for the observer
  std::vector<WorkerState> workers;  // of a resumed run also those that are no more
  const Placement placement;
  std::vector<std::error_code> pin_errors;  // each written by its worker, read after the join

  Signal signal;
  std::atomic<std::uint64_t> milestone{kUnlimited};  // of gradients: who gets there wakes the coordinator
  std::atomic<bool> diverged{false};
  alignas(kCacheLine) std::atomic<std::uint64_t> gradients;         // worked on to the end; finds the ends of epochs
  alignas(kCacheLine) std::atomic<float*> armed_snapshot{nullptr};  // a buffer for whoever ends the next epoch

  std::mutex failure_mutex;  // guards failure and failed_at
  std::exception_ptr failure;
  Failure failed_at;
  const ProcessStamp process;

  /// Called by worker `id` in its own thread, before that makes anything: what it touches first then lies on its node.
  void pin(std::size_t id);

  /// Keeps the first failure, for train() to rethrow, and stops everybody.
  void fail(std::exception_ptr another, Failure at);

  /// A failure of the calling thread at this moment.
  Failure here() const { return {.updates = totals().published}; }

  /// Something is not finite: the run ends.
  void diverge() {
    diverged.store(true, std::memory_order_relaxed);
    signal.stop();
  }

  Counts totals() const;

  /// Of a traced run. The last member: its thread ends before anything it uses.
  std::optional<Spiller> spiller;
};

}  // namespace asap
