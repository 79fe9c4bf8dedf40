#include "asap/train/checkpointer.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "asap/train/resumption.h"

namespace asap {

Checkpointer::Checkpointer(RunState& run, Snapshot snapshot, const StateLayout& layout)
    : run_(run),
      snapshot_(std::move(snapshot)),
      layout_(layout.parameters(), layout.momentum(), std::pmr::new_delete_resource(), layout.correction()),
      plan_(*run.options.checkpoint, progress()),
      state_(layout_.size()) {
  copied_.num_workers = run.options.workers;
  copied_.workers.resize(run.workers.size());
}

double Checkpointer::due_seconds() const {
  return plan_.unit() == CheckpointInterval::Unit::seconds ? plan_.next() : std::numeric_limits<double>::infinity();
}

std::uint64_t Checkpointer::remaining_updates() const {
  constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  if (plan_.unit() != CheckpointInterval::Unit::updates) return kNever;
  const double remaining = std::ceil(std::max(0.0, plan_.next() - progress()));
  return remaining < static_cast<double>(kNever) ? static_cast<std::uint64_t>(remaining) : kNever;
}

void Checkpointer::copy() {
  copied_.version = snapshot_(state_.span());
  copied_.adaptation = run_.adaptation.state();
  copied_.gradients = run_.gradients.load(std::memory_order_relaxed);
  copied_.seconds = run_.clock.seconds();
  for (std::size_t id = 0; id < run_.workers.size(); ++id) copied_.workers[id] = run_.workers[id].totals();
  plan_.made_at(progress());
}

std::optional<Checkpoint> Checkpointer::checkpoint() {
  if (!keep_state(copied_, layout_, state_.data())) return std::nullopt;
  return copied_;
}

double Checkpointer::progress() const {
  switch (run_.options.checkpoint->unit) {
    case CheckpointInterval::Unit::updates:
      return static_cast<double>(run_.totals().published);
    case CheckpointInterval::Unit::seconds:
      return run_.clock.seconds();
    case CheckpointInterval::Unit::epochs:
      break;
  }
  return static_cast<double>(run_.gradients.load(std::memory_order_relaxed)) /
         static_cast<double>(run_.batches.batches_per_epoch());
}

}  // namespace asap
