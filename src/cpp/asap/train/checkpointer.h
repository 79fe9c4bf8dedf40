// The checkpointer: knows when the next checkpoint is due, and copies a resting run.
#pragma once

#include <functional>
#include <optional>

#include "asap/core/aligned_buffer.h"
#include "asap/store/store.h"
#include "asap/train/checkpoint_plan.h"
#include "asap/train/run_state.h"

namespace asap {

/// Thread-safety: the coordinator's. Memory: twice the shared state.
class Checkpointer {
 public:
  using Snapshot = std::function<Version(std::span<float>)>;

  /// `snapshot` copies the beginning of the state.
  Checkpointer(RunState& run, Snapshot snapshot, const StateLayout& layout);

  bool is_due() const { return plan_.is_due(progress()); }

  // When it may be due, by the run's clock and after as many updates; beyond reach where it is a matter of something
  // else.
  double due_seconds() const;
  std::uint64_t remaining_updates() const;

  /// Copies the parts of the run that workers write, and what was made of them; no worker may be at an update.
  void copy();

  /// The copy, without those parts that the coordinator keeps; nothing when it is not finite.
  std::optional<Checkpoint> checkpoint();

 private:
  double progress() const;

  RunState& run_;
  const Snapshot snapshot_;
  const StateLayout layout_;
  CheckpointPlan plan_;
  AlignedBuffer<float> state_;
  Checkpoint copied_;
};

}  // namespace asap
