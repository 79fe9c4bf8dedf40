// Synchronous SGD: in every round all workers compute gradients on the same version, and one averaged update is
// published.
#pragma once

#include <algorithm>
#include <vector>

#include "asap/store/round_barrier.h"
#include "asap/store/round_mean.h"
#include "asap/store/store.h"
#include "asap/store/vector_pool.h"

namespace asap {

/// Round: everybody brings a gradient (barrier), everybody averages and advances a slice of the vector (barrier), the
/// last one publishes. The average weighs gradients by their samples and sums in worker order, so the result does not
/// depend on timing. A worker that leaves shrinks the rounds from the one in progress on.
///
/// Thread-safety: as many workers as given, one snapshot at a time; rounds wait for each of them until it leaves. (A
/// worker that takes a snapshot between its rounds pins the published vector, which needs no slot.) Progress: blocking.
/// τ = 0.
class SynchronousStore {
 public:
  struct Handle : asap::Handle {
    Handle(const StateLayout& layout, std::size_t w) : asap::Handle(layout), worker(w) {}
    std::size_t worker;
    VectorPool::Pin pin;
    bool pinned = false;
  };

  SynchronousStore(StateLayout layout, std::size_t workers, const Start& start)
      : layout_(layout), pool_(2 + 1, layout.size(), start, layout.memory()), brought_(workers), barrier_(workers) {
    present_.reserve(workers);
  }

  Handle handle(std::size_t worker) { return Handle(layout_, worker); }

  View read(Handle& handle) {
    unpin(handle);  // the gradient of the view before was not committed
    handle.pin = pool_.pin();
    handle.pinned = true;
    handle.receipt = {.read = handle.pin.version};
    return {handle.pin.vector, handle.pin.version};
  }

  void prepare(Handle& handle, const StepRule& rule) {
    handle.rule = &rule;
    unpin(handle);
  }

  Receipt commit(Handle& handle) {
    brought_[handle.worker] = &handle;
    barrier_.arrive([this] { open_round(); });
    Receipt& receipt = handle.receipt;
    receipt.replaced = base_.version;
    receipt.apply(step_);
    const bool reports = present_.front() == &handle;
    if (step_.rejects()) {
      receipt.outcome = Outcome::rejected;
    } else {
      advance_slice(handle);
      receipt.outcome = reports ? Outcome::published : Outcome::merged;
      receipt.attempts = reports ? 1 : 0;
    }
    barrier_.arrive([this] { close_round(); });
    return receipt;
  }

  /// Takes part in a round without a gradient: the others' mean is published, or nothing, and then `nothing()` is
  /// called before anybody goes on.
  template <class Function>
  void pass(Handle& handle, Function&& nothing) {
    unpin(handle);
    barrier_.arrive([this] { open_round(); });
    if (present_.empty()) nothing();
    barrier_.arrive([this] { close_round(); });
  }

  void leave(Handle& handle) {
    unpin(handle);
    barrier_.leave([this] { open_round(); });
  }

  Version snapshot(std::span<float> out) { return pool_.copy_latest(out); }

  Vectors vectors() const { return {.high_water = pool_.high_water(), .rescans = pool_.rescans()}; }

 private:
  /// Runs in one thread while all others wait: who is here, and with what step.
  void open_round() {
    present_.clear();
    for (Handle*& handle : brought_) {
      if (!handle) continue;
      present_.push_back(handle);
      handle = nullptr;
    }
    fresh_ = pool_.acquire();
    base_ = pool_.pin();
    step_ = present_.empty() ? Step{} : (*present_.front()->rule)(0, base_.version);
  }

  /// This worker's share of the averaging and the update, in whole cache lines.
  void advance_slice(Handle& handle) {
    const std::size_t rank = rank_of(handle), ranks = present_.size();
    const std::size_t first = bound(rank, ranks), last = bound(rank + 1, ranks);
    if (first == last) return;
    average(std::span<Handle* const>(present_), first, last);
    const float* mean = present_.front()->gradient.data();
    advance(layout_, {step_, mean, base_.vector}, base_.vector, pool_.vector(fresh_), first, last);
  }

  /// Runs in one thread while all others wait.
  void close_round() {
    pool_.unpin(base_);
    if (step_.rejects())
      pool_.release(fresh_);
    else
      pool_.publish(base_, fresh_);
  }

  std::size_t rank_of(const Handle& handle) const {
    std::size_t rank = 0;
    while (present_[rank] != &handle) ++rank;
    return rank;
  }

  std::size_t bound(std::size_t rank, std::size_t ranks) const {
    const std::size_t lines = (layout_.parameters() + StateLayout::kLineFloats - 1) / StateLayout::kLineFloats;
    return std::min(layout_.parameters(), lines * rank / ranks * StateLayout::kLineFloats);
  }

  void unpin(Handle& handle) {
    if (handle.pinned) pool_.unpin(handle.pin);
    handle.pinned = false;
  }

  const StateLayout layout_;
  VectorPool pool_;  // the published vector, the one in the making, and one pinned by a snapshot

  std::vector<Handle*> brought_;  // each entry written by its worker before the first barrier, read by who completes it

  // Written by who completes a barrier, read by everybody behind it.
  std::vector<Handle*> present_;
  VectorPool::Pin base_;
  VectorPool::Slot fresh_ = 0;
  Step step_;

  RoundBarrier barrier_;
};

static_assert(Store<SynchronousStore>);

}  // namespace asap
