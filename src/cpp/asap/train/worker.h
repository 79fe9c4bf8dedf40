// The worker: the loop this library exists for. Batch → gradient → τ → scale → publish → record.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <type_traits>
#include <vector>

#include "asap/store/fused_hogwild.h"
#include "asap/store/softsync.h"
#include "asap/store/synchronous.h"
#include "asap/train/gradient.h"
#include "asap/train/run_state.h"

namespace asap {

/// How a worker gets its next batch number: first come first served, or fixed places in rounds (synchronous).
template <class S>
inline constexpr bool kWorksInRounds = std::is_same_v<S, SynchronousStore>;

/// Whether the backward pass is part of publishing.
template <class S>
inline constexpr bool kFuses = std::is_same_v<S, FusedHogwildStore>;

/// Whether gradients may wait in the store for others, with which they make an update.
template <class S>
inline constexpr bool kGathers = std::is_same_v<S, SoftsyncStore>;

template <Store S>
class Worker {
 public:
  Worker(RunState& run, S& store, std::size_t id)
      : run_(run),
        store_(store),
        id_(id),
        table_reader_(run.tables.reader(id)),
        trace_(run.spiller ? &run.spiller->log(id) : nullptr),
        handle_(store.handle(id)),
        workspace_(make_workspace()),
        current_(run.options.batch_size),
        next_(run.options.batch_size),
        max_skips_(run.options.on_nonfinite == OnNonfinite::skip ? run.batches.batches_per_epoch() : 0) {}

  /// Allocates nothing; what it uses was made by the constructor.
  void run() {
    while (may_begin() && turn()) {
    }
  }

  /// One turn of the loop. Returns false when there is no batch left.
  bool turn() {
    const std::optional<std::uint64_t> batch = next_batch();
    if (batch) update(*batch);
    return batch.has_value();
  }

  /// What it is at, for an exception.
  Failure position() const {
    Failure at = run_.here();
    at.worker = id_;
    at.batch = current_.number;
    at.read = view_.version;
    at.tau = at.updates - std::min(at.updates, at.read);
    return at;
  }

  /// However the loop ended: nobody waits for this worker from here on.
  void leave() noexcept {
    pass_on_signal();
    store_.leave(handle_);
    run_.tables.release(table_reader_);
  }

 private:
  /// The samples of one batch.
  struct Listing {
    explicit Listing(std::size_t batch_size) : indices(batch_size) {}
    void list(const BatchSource& batches, std::uint64_t k) {
      number = k;
      samples = batches.samples(k, indices);
    }
    std::optional<std::uint64_t> number;
    std::vector<std::uint64_t> indices;
    std::span<const std::uint64_t> samples;  // of the indices
  };

  /// Between two updates: whether another one is to begin, after a pause perhaps.
  bool may_begin() {
    auto rest = Signal::Rest::over;
    while (rest == Signal::Rest::over && !(kWorksInRounds<S> ? run_.signal.begins(round_) : run_.signal.goes()))
      rest = run_.signal.rest([this] { return has_waiting(); });
    return rest != Signal::Rest::last;
  }

  /// A pause comes between two updates: whoever would rest last makes the gradients complete that wait for others.
  bool has_waiting() {
    if constexpr (kGathers<S>) return store_.has_waiting();
    return false;
  }

  void pass_on_signal() noexcept {
    if constexpr (kWorksInRounds<S>) run_.signal.pass_on(round_);
  }

  void update(std::uint64_t number) {
    const StepRule rule(run_.options.rate, run_.tables.acquire(table_reader_));
    const Batch batch = make_batch(number);
    view_ = store_.read(handle_);
    const double loss = differentiate(batch);
    const bool finite = is_finite(loss);
    skipped_in_a_row_ = finite ? 0 : skipped_in_a_row_ + 1;
    if (skipped_in_a_row_ > max_skips_) run_.diverge();
    pass_on_signal();
    if (skipped_in_a_row_ > max_skips_) return;
    const Receipt receipt = finite ? publish(rule) : skip();
    run_.workers[id_].record(receipt, batch.samples.size(), loss, run_.window);
    if (trace_ && finite) trace_->add(number, receipt);
    if (run_.options.updates && !kWorksInRounds<S> && is_given_up(receipt.outcome)) run_.batches.grant();
    announce(receipt);
  }

  /// The samples of the batch, and those of the one that this worker gets next if all take turns.
  Batch make_batch(std::uint64_t number) {
    if (number == next_.number)
      std::swap(current_, next_);
    else
      current_.list(run_.batches, number);
    next_.list(run_.batches, number + run_.options.workers);
    return {number, current_.samples, next_.samples};
  }

  std::unique_ptr<Workspace> make_workspace() const {
    const std::size_t batch = run_.options.batch_size;
    if constexpr (kFuses<S>)
      return fusible().fused_workspace(batch);
    else
      return run_.objective.workspace(batch);
  }

  const FusibleObjective& fusible() const { return static_cast<const FusibleObjective&>(run_.objective); }

  /// The loss, and the gradient in the handle, unless that is computed while publishing.
  double differentiate(const Batch& batch) {
    if constexpr (kFuses<S>) return fusible().forward(view_.theta, batch, workspace_.get());
    handle_.samples = batch.samples.size();
    return decayed_gradient(run_.objective, run_.options.weight_decay, view_.theta, batch, workspace_.get(),
                            handle_.gradient.data(), run_.options.correction);
  }

  bool is_finite(double loss) const {
    return std::isfinite(loss) &&
           (max_skips_ == 0 || kernels::active().all_finite(handle_.gradient.size(), handle_.gradient.data()));
  }

  /// No store sees the gradient. In rounds the others go on without it, and a round of none is made up for.
  Receipt skip() {
    if constexpr (kWorksInRounds<S>)
      store_.pass(handle_, [this] {
        if (run_.options.updates) run_.batches.grant();
      });
    return {.outcome = Outcome::skipped, .read = view_.version, .replaced = view_.version};
  }

  Receipt publish(const StepRule& rule) {
    if constexpr (kFuses<S>) return publish_fused(rule);
    Receipt receipt;
    do {
      store_.prepare(handle_, rule);
      receipt = store_.commit(handle_);
    } while (receipt.outcome == Outcome::retry);
    return receipt;
  }

  Receipt publish_fused(const StepRule& rule) {
    store_.prepare(handle_, rule);
    if (store_.accepts(handle_)) {
      const auto [sum, factor] = store_.target(handle_);
      fusible().add_gradient(view_.theta, factor, workspace_.get(), sum);
    }
    const Receipt receipt = store_.commit(handle_);
    if (receipt.outcome == Outcome::published && run_.options.weight_decay != 0.0)
      store_.decay(handle_, run_.options.weight_decay);
    return receipt;
  }

  std::optional<std::uint64_t> next_batch() {
    if constexpr (kWorksInRounds<S>) {
      const std::uint64_t number = run_.first + round_++ * run_.options.workers + id_;
      return run_.batches.contains(number) ? std::optional(number) : std::nullopt;
    } else {
      return run_.batches.take();
    }
  }

  /// Tells the coordinator when this update completed an epoch, or what it waits for.
  void announce(const Receipt& receipt) {
    // acq_rel: whoever ends an epoch sees the counts and parameters of all gradients before, so that the last row is
    // exact.
    const std::uint64_t gradients = run_.gradients.fetch_add(1, std::memory_order_acq_rel) + 1;
    if (gradients % run_.batches.batches_per_epoch() == 0) announce_epoch(gradients);
    if (gradients >= run_.milestone.load(std::memory_order_relaxed)) announce_milestone();
    if (receipt.outcome == Outcome::published && run_.snapshots.is_due(receipt.replaced + 1)) take_snapshot(gradients);
  }

  /// Once: the coordinator sets the next one when it has seen to this one.
  void announce_milestone() {
    if (run_.milestone.exchange(RunState::kUnlimited, std::memory_order_relaxed) != RunState::kUnlimited)
      run_.events.post({.kind = Event::Kind::milestone});
  }

  /// For the observer, when so many gradients are worked on; the coordinator is woken up to hand it over.
  void take_snapshot(std::uint64_t gradients) {
    const double epoch = static_cast<double>(gradients) / static_cast<double>(run_.batches.batches_per_epoch());
    run_.snapshots.put([&](std::span<float> theta) -> Moment {
      const Version version = store_.snapshot(theta);
      return {version, epoch, run_.clock.seconds()};
    });
    run_.events.post({.kind = Event::Kind::milestone});
  }

  void announce_epoch(std::uint64_t gradients) {
    // acquire: pairs with every release of a buffer, the coordinator's and the one below.
    float* snapshot = run_.armed_snapshot.exchange(nullptr, std::memory_order_acquire);
    const Version version = snapshot ? store_.snapshot({snapshot, run_.objective.num_parameters()}) : 0;
    const bool posted = run_.events.post_with([&](Event& event) {
      event = {.kind = Event::Kind::epoch_end,
               .gradients = gradients,
               .seconds = run_.clock.seconds(),
               .totals = run_.totals(),
               .snapshot = snapshot,
               .version = version};
    });
    // release: pairs with the acquire above, of whoever ends the next epoch and fills the buffer again.
    if (!posted && snapshot) run_.armed_snapshot.store(snapshot, std::memory_order_release);
  }

  RunState& run_;
  S& store_;
  const std::size_t id_;
  TableSwitch::Reader& table_reader_;
  TraceLog* const trace_;  // nullptr: the run is not traced
  typename S::Handle handle_;
  std::unique_ptr<Workspace> workspace_;
  View view_;
  Listing current_, next_;
  const std::uint64_t max_skips_;  // in a row, of gradients that are not finite
  std::uint64_t skipped_in_a_row_ = 0;
  std::uint64_t round_ = 0;  // rounds begun
};

}  // namespace asap
