#include "asap/train/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>

#include "asap/core/error.h"
#include "asap/staleness/histogram.h"
#include "asap/step/scale_table.h"

namespace asap {
namespace {

constexpr Version kMaxVersion = Version{1} << 48;  // stores keep versions in words with something else

constexpr std::uint64_t kMaxCount = std::uint64_t{1} << 53;  // sums of more would not be exact

template <class Predicate>
bool all(const std::vector<float>& values, Predicate predicate) {
  return std::all_of(values.begin(), values.end(), predicate);
}

void check(const Distribution& distribution) {
  const auto counts = distribution.counts();
  if (counts.size() > kTauBins || std::any_of(counts.begin(), counts.end(), [](auto n) { return n > kMaxCount; }))
    invalid_argument("a distribution of a checkpoint must have at most ", kTauBins, " counts, each at most 2^53");
}

void check(const WorkerTotals& worker) {
  for (const Distribution* each : {&worker.staleness, &worker.rejections, &worker.sampled}) check(*each);
}

/// `counted` must have been counted by these workers.
void check(const AdaptationState& adaptation, std::span<const WorkerTotals> workers) {
  if (adaptation.log.tables.empty()) invalid_argument("a checkpoint must have the scale table in force");
  std::uint64_t progress = 0;
  std::vector<std::uint64_t> sampled(kTauBins);
  for (const WorkerTotals& worker : workers) {
    progress += worker.sample_progress;
    for (Tau tau = 0; tau < worker.sampled.counts().size(); ++tau) sampled[tau] += worker.sampled.counts()[tau];
  }
  check(adaptation.counted);
  bool holds = adaptation.progress <= progress;
  for (Tau tau = 0; tau < adaptation.counted.counts().size(); ++tau)
    holds = holds && adaptation.counted.counts()[tau] <= sampled[tau];
  if (!holds) invalid_argument("a checkpoint's scale table must come from updates that its workers have counted");
  for (const TableRecord& table : adaptation.log.tables) {
    ScaleTable{table.entries};  // throws
    check(table.seen);
  }
}

}  // namespace

void check(const Checkpoint& checkpoint, const StateLayout& layout) {
  const std::size_t velocity = layout.has_velocity() ? layout.parameters() : 0;
  if (checkpoint.theta.size() != layout.parameters() || checkpoint.velocity.size() != velocity)
    invalid_argument("a checkpoint to resume from must have ", layout.parameters(), " parameters and a velocity of ",
                     velocity, "; got ", checkpoint.theta.size(), " and ", checkpoint.velocity.size());
  if (!all(checkpoint.velocity, [](float u) { return std::isfinite(u); }))
    invalid_argument("the velocity of a checkpoint must be finite");
  if (checkpoint.movement.size() != (layout.has_movement() ? layout.parameters() : 0))
    invalid_argument("a checkpoint must have the average movement of each parameter if the correction keeps one; got ",
                     checkpoint.movement.size(), " for ", layout.parameters());
  if (!all(checkpoint.movement, [](float a) { return a >= 0.0f && std::isfinite(a); }))
    invalid_argument("the average movement of a checkpoint must be finite and at least 0");
  if (checkpoint.version > kMaxVersion || checkpoint.version > checkpoint.gradients)
    invalid_argument("a checkpoint must have a version of at most its gradients and 2^48; got ", checkpoint.version,
                     " of ", checkpoint.gradients);
  if (!(checkpoint.seconds >= 0.0 && std::isfinite(checkpoint.seconds)))
    invalid_argument("the seconds of a checkpoint must be a finite number of at least 0; got ", checkpoint.seconds);
  if (checkpoint.num_workers == 0 || checkpoint.num_workers > checkpoint.workers.size())
    invalid_argument("a checkpoint must know its workers; got ", checkpoint.workers.size(), " of ",
                     checkpoint.num_workers);
  const std::uint64_t next = checkpoint.gradients + checkpoint.open.size();
  if (!std::is_sorted(checkpoint.open.begin(), checkpoint.open.end(), std::less_equal<>()) ||
      (!checkpoint.open.empty() && checkpoint.open.back() >= next))
    invalid_argument("the open batches of a checkpoint must be different numbers below ", next, ", in their order");
  for (const WorkerTotals& worker : checkpoint.workers) check(worker);
  check(checkpoint.adaptation, checkpoint.workers);
}

}  // namespace asap
