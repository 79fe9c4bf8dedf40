#include "asap/train/replay.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <tuple>
#include <vector>

#include "asap/core/error.h"
#include "asap/data/batch_source.h"
#include "asap/store/gathered_mean.h"
#include "asap/store/round_mean.h"
#include "asap/trace/check.h"
#include "asap/train/gradient.h"

namespace asap {
namespace {

using Records = std::span<const TraceRecord>;

/// Records in an order of their own, to be walked through once.
class Queue {
 public:
  Queue(Records records, std::vector<std::uint64_t> order) : records_(records), order_(std::move(order)) {}
  /// The next record if it belongs to this version, by the given member.
  const TraceRecord* next(Version TraceRecord::* at, Version version) {
    if (position_ == order_.size() || records_[order_[position_]].*at != version) return nullptr;
    return &records_[order_[position_++]];
  }

 private:
  Records records_;
  std::vector<std::uint64_t> order_;
  std::size_t position_ = 0;
};

/// What changed the parameters before version `last`, in the order of versions by the given member; those of one update
/// in the order of workers, a worker's in its own.
Queue queue_of(Records records, Version TraceRecord::* at, Version last) {
  std::vector<std::uint64_t> order;
  for (std::uint64_t i = 0; i < records.size(); ++i)
    if (records[i].changed_parameters() && records[i].replaced < last) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return std::tuple(records[a].*at, records[a].worker, a) < std::tuple(records[b].*at, records[b].worker, b);
  });
  return {records, std::move(order)};
}

/// A gradient and, for corrections, what it was computed on.
struct Computed {
  explicit Computed(const StateLayout& layout)
      : gradient(layout.parameters()), view(correction::needs_view(layout.correction()) ? layout.parameters() : 0) {}
  AlignedBuffer<float> gradient, view;
  std::size_t samples = 0;
};

class Replayer {
 public:
  Replayer(const Objective& objective, const TrainOptions& options, Records records, Version last)
      : objective_(objective),
        options_(options),
        layout_(objective.num_parameters(), static_cast<float>(options.momentum), std::pmr::new_delete_resource(),
                options.correction),
        batches_(objective.num_samples(), options.batch_size, options.seed, BatchSource::kUnlimited),
        readers_(queue_of(records, &TraceRecord::read, last)),
        updates_(queue_of(records, &TraceRecord::replaced, last)),
        workspace_(objective.workspace(options.batch_size)),
        indices_(options.batch_size),
        state_(layout_.size()),
        waiting_(options.workers) {}

  void start(std::span<const float> theta, const ReplayRange& range) {
    std::copy(theta.begin(), theta.end(), state_.data());
    std::copy(range.velocity.begin(), range.velocity.end(), layout_.velocity(state_.data()));
    std::copy(range.movement.begin(), range.movement.end(), layout_.movement(state_.data()));
  }

  /// One update: every gradient that was computed on this version, then the one that replaced it, or several.
  void replace(Version version) {
    while (const TraceRecord* reader = readers_.next(&TraceRecord::read, version)) differentiate(*reader);
    bool gathered = false;
    double scale = 0;
    while (const TraceRecord* part = updates_.next(&TraceRecord::replaced, version)) {
      gathered |= part->outcome == Outcome::gathered;
      scale = part->scale;
      take(*part);
    }
    const double rate = options_.rate(version);
    if (gathered)
      advance_by_mean(layout_, rate, gathered_, state_.data(), state_.data());
    else
      advance_by_round({rate, scale, version});
    give_back();
  }

  void end(std::span<float> theta, const ReplayRange& range) const {
    std::copy_n(state_.data(), theta.size(), theta.data());
    std::copy_n(layout_.velocity(state_.data()), range.velocity.size(), range.velocity.data());
    std::copy_n(layout_.movement(state_.data()), range.movement.size(), range.movement.data());
  }

  std::size_t num_gradients() const { return gradients_.size(); }

 private:
  /// The present state is the version that this worker read: its gradient waits here for its turn.
  void differentiate(const TraceRecord& record) {
    Computed* const computed = spare();
    const Batch batch{record.batch, batches_.samples(record.batch, indices_)};
    computed->samples = batch.samples.size();
    std::copy_n(state_.data(), computed->view.size(), computed->view.data());
    decayed_gradient(objective_, options_.weight_decay, state_.data(), batch, workspace_.get(),
                     computed->gradient.data(), options_.correction);
    waiting_[record.worker].push_back(computed);
  }

  Computed* spare() {
    if (spares_.empty()) spares_.push_back(gradients_.emplace_back(std::make_unique<Computed>(layout_)).get());
    Computed* const computed = spares_.back();
    spares_.pop_back();
    return computed;
  }

  /// The oldest gradient of this worker becomes part of the update.
  void take(const TraceRecord& record) {
    std::deque<Computed*>& gradients = waiting_[record.worker];
    round_.push_back(gradients.front());
    gathered_.push_back({gradients.front()->gradient.data(), record.scale, record.worker});
    gradients.pop_front();
  }

  void advance_by_round(const Step& step) {
    if (round_.size() > 1) average(std::span<Computed* const>(round_), 0, layout_.parameters());
    const Computed& first = *round_.front();
    advance(layout_, {step, first.gradient.data(), first.view.data()}, state_.data(), state_.data());
  }

  void give_back() {
    spares_.insert(spares_.end(), round_.begin(), round_.end());
    round_.clear();
    gathered_.clear();
  }

  const Objective& objective_;
  const TrainOptions& options_;
  const StateLayout layout_;
  const BatchSource batches_;
  Queue readers_, updates_;
  std::unique_ptr<Workspace> workspace_;
  std::vector<std::uint64_t> indices_;
  AlignedBuffer<float> state_;
  std::vector<std::unique_ptr<Computed>> gradients_;  // made when first needed
  std::vector<Computed*> spares_;                     // of these, to be used again
  std::vector<std::deque<Computed*>> waiting_;        // not yet applied, by worker, in its order
  std::vector<Computed*> round_;                      // those of the update in the making
  std::vector<GatheredPart> gathered_;                // the same, with their scales
};

Version end_of(Records records, const ReplayRange& range) {
  const auto published = [](const TraceRecord& record) { return record.outcome == Outcome::published; };
  const Version end = range.first + static_cast<Version>(std::count_if(records.begin(), records.end(), published));
  if (range.last && (*range.last < range.first || *range.last > end))
    invalid_argument("last must be a version of the run, ", range.first, " to ", end, "; got ", *range.last);
  return range.last.value_or(end);
}

void check(const Objective& objective, std::span<const float> theta, const TrainOptions& options,
           const ReplayRange& range) {
  const std::span<const float> velocity = range.velocity, movement = range.movement;
  if (options.workers == 0 || options.batch_size == 0)
    invalid_argument("workers and batch_size must be at least 1; got ", options.workers, " and ", options.batch_size);
  if (theta.size() != objective.num_parameters())
    invalid_argument("theta must have ", objective.num_parameters(), " parameters; got ", theta.size());
  if (!velocity.empty() && (options.momentum == 0.0 || velocity.size() != theta.size()))
    invalid_argument("velocity must have a number per parameter where there is momentum, and be empty elsewhere; got ",
                     velocity.size(), " with momentum = ", options.momentum);
  correction::check(options.correction);
  if (!movement.empty() && (!correction::keeps_movement(options.correction) || movement.size() != theta.size()))
    invalid_argument(
        "movement must have a number per parameter where the correction keeps one, and be empty elsewhere; got ",
        movement.size());
}

/// No engine corrects gradients of several versions by what they were computed on.
void check_gathered(Records records, const TrainOptions& options) {
  const auto gathered = [](const TraceRecord& record) { return record.outcome == Outcome::gathered; };
  if (correction::needs_view(options.correction) && std::any_of(records.begin(), records.end(), gathered))
    invalid_argument("correction must be one that needs the gradient alone where an update gathers several gradients");
}

}  // namespace

bool replays_exactly(const engine::Engine& engine) {
  return !std::holds_alternative<engine::Hogwild>(engine) && !std::holds_alternative<engine::FusedHogwild>(engine);
}

ReplayReport replay(const Objective& objective, std::span<float> theta, const TrainOptions& options, Records records,
                    const ReplayRange& range) {
  check(objective, theta, options, range);
  check_trace(records, options.workers, range.first);
  check_gathered(records, options);
  const Version last = end_of(records, range);
  Replayer replayer(objective, options, records, last);
  replayer.start(theta, range);
  Version version = range.first;
  while (version < last) {
    replayer.replace(version++);
    if (range.go_on && !range.go_on()) break;
  }
  replayer.end(theta, range);
  return {version - range.first, replayer.num_gradients()};
}

}  // namespace asap
