// The coordinator: the calling thread of a run. It sleeps on the event queue and does all that is not a worker's
// business: rows of the history, validation, scale tables, limits in time, checkpoints, the observer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/train/checkpointer.h"
#include "asap/train/run_state.h"

namespace asap {

/// Thread-safety: one thread. The store's snapshots come in through a function, so that this is written once for all
/// engines.
class Coordinator final : public LiveRun {
 public:
  using Snapshot = Checkpointer::Snapshot;

  Coordinator(RunState& run, Snapshot snapshot, const StateLayout& layout, std::span<const float> start,
              Observer& observer);

  /// Serves the run until all workers have ended.
  void serve();

  /// After the join: the rest of the history, the result in theta, the report.
  Report finish(std::span<float> theta);

  /// After a failure: the best parameters there are, the final ones if finite, else the last finite snapshot.
  void keep_finite(std::span<float> theta);

  double seconds() const override { return run_.clock.seconds(); }
  double epoch() const override { return epochs(run_.gradients.load(std::memory_order_relaxed)); }
  Counts counts() const override { return run_.totals(); }
  Distribution staleness() const override { return merged(&WorkerState::staleness); }
  Version snapshot(std::span<float> theta) override { return snapshot_(theta); }
  void request_stop(Status status) override;

 private:
  void continue_report(const Checkpoint& before);
  void handle(const Event& event);
  void end_epoch(const Event& event);
  void add_row(std::uint64_t gradients, double seconds, const Counts& totals, const float* validate_on);
  void add_last_row();
  void refresh_table();
  void take_checkpoint();
  void hand_over_checkpoint();
  bool accept_snapshot(const Event& event);
  std::optional<Version> probe();
  void hand_over_snapshots();
  void keep(AlignedBuffer<float>& finite, Version version);
  bool poll();
  std::optional<Metrics> validate(const float* theta);
  void check_process() const;

  Distribution merged(const TauHistogram& (WorkerState::*part)() const) const;
  bool is_latest(const Event& event) const;
  double epochs(std::uint64_t gradients) const;
  double next_wait() const;
  std::uint64_t sample_progress() const;
  std::uint64_t next_milestone() const;
  bool finite(const float* theta) const;
  std::size_t num_parameters() const { return run_.objective.num_parameters(); }

  RunState& run_;
  Snapshot snapshot_;
  Observer& observer_;
  Report report_;
  Counts last_totals_;  // at the last row
  std::uint64_t last_row_gradients_ = 0;
  bool interrupted_ = false;               // evaluations are cut short
  double next_tick_ = 0, next_probe_ = 0;  // seconds of the run's clock
  // Three vectors change roles by swapping: the last finite snapshot, the one armed for the next epoch's end, a spare.
  AlignedBuffer<float> last_finite_, armed_, probe_;
  Version last_finite_version_ = 0;
  std::unique_ptr<Workspace> validation_workspace_;
  std::optional<Checkpointer> checkpointer_;
};

}  // namespace asap
