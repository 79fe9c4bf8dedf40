#include "asap/train/checkpointer.h"

#include <cmath>
#include <limits>

#include "asap/kernels/kernels.h"

namespace asap {

Checkpointer::Checkpointer(RunState& run, Snapshot snapshot, const StateLayout& layout)
    : run_(run),
      snapshot_(std::move(snapshot)),
      layout_(layout.parameters(), layout.momentum(), std::pmr::new_delete_resource(), layout.correction()),
      interval_(*run.options.checkpoint),
      state_(layout_.size()) {
  copied_.num_workers = run.options.workers;
  copied_.workers.resize(run.workers.size());
  plan_next();
}

double Checkpointer::due_seconds() const {
  return interval_.unit == CheckpointInterval::Unit::seconds ? next_ : std::numeric_limits<double>::infinity();
}

Version Checkpointer::due_version() const {
  constexpr Version kNever = std::numeric_limits<Version>::max();
  const bool is_near = interval_.unit == CheckpointInterval::Unit::updates && next_ < static_cast<double>(kNever);
  return is_near ? static_cast<Version>(std::ceil(next_)) : kNever;
}

void Checkpointer::copy() {
  copied_.version = snapshot_(state_.span());
  copied_.adaptation = run_.adaptation.state();
  copied_.gradients = run_.gradients.load(std::memory_order_relaxed);
  copied_.seconds = run_.clock.seconds();
  for (std::size_t id = 0; id < run_.workers.size(); ++id) copied_.workers[id] = run_.workers[id].totals();
  plan_next();
}

std::optional<Checkpoint> Checkpointer::checkpoint() {
  const auto part = [&](const float* first) { return std::vector<float>(first, first + layout_.parameters()); };
  copied_.theta = part(state_.data());
  if (const float* velocity = layout_.velocity(state_.data())) copied_.velocity = part(velocity);
  if (const float* movement = layout_.movement(state_.data())) copied_.movement = part(movement);
  const auto finite = [](const auto& vector) { return kernels::active().all_finite(vector.size(), vector.data()); };
  if (!finite(copied_.theta) || !finite(copied_.velocity) || !finite(copied_.movement)) return std::nullopt;
  return copied_;
}

double Checkpointer::progress() const {
  switch (interval_.unit) {
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

/// The next multiple: in a resumed run, too.
void Checkpointer::plan_next() { next_ = (std::floor(progress() / interval_.every) + 1) * interval_.every; }

}  // namespace asap
