// n-softsync (Zhang, Gupta, Lian, Liu 2016): the gradients of m workers make one update for every c = ⌊m/n⌋ of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include "asap/store/awake_mutex.h"
#include "asap/store/copying_handle.h"
#include "asap/store/gathered_mean.h"

namespace asap {

/// θ ← θ − (η/c)·Σ C(τ_l)·g_l over the c gradients that came since the update before, whoever brought them: nobody
/// waits for anybody, and a fast worker may bring several. Each has its own τ and C; rejected ones do not count. The
/// sum runs in the order of the workers, and of each one's gradients, so that the bits do not depend on who came first.
/// With c = 1 every gradient is an update (Downpour SGD, where C = 1). At the end of a run fewer than c gradients may
/// be left over.
///
/// Thread-safety: any number of workers. Progress: blocking, for the time of one copy or one update. Consistent views;
/// memory 1 + m vectors and m + c − 1 gradients.
class SoftsyncStore {
 public:
  struct Handle : CopyingHandle {
    Handle(const StateLayout& layout, std::size_t w) : CopyingHandle(layout), worker(w) {}
    std::size_t worker;
  };

  /// `gradients`: c, those of one update.
  SoftsyncStore(StateLayout layout, std::size_t workers, const Start& start, std::size_t gradients)
      : layout_(layout), workers_(workers), state_(layout.size(), layout.memory()), version_(start.version) {
    kernels::active().copy(start.state.size(), start.state.data(), state_.data());
    parts_.reserve(gradients);
    for (std::size_t i = 0; i + 1 < gradients; ++i) waiting_.emplace_back(layout.parameters());
  }

  Handle handle(std::size_t worker) { return Handle(layout_, worker); }

  View read(Handle& handle) {
    if (handle.copied != version()) handle.copied = snapshot(handle.view.span());
    handle.receipt = {.read = handle.copied};
    return {handle.view.data(), handle.copied};
  }

  void prepare(Handle& handle, const StepRule& rule) { handle.rule = &rule; }

  Receipt commit(Handle& handle) {
    const std::lock_guard lock(mutex_);
    Receipt& receipt = handle.receipt;
    receipt.replaced = version();
    receipt.apply((*handle.rule)(receipt.tau(), receipt.replaced));
    if (receipt.step().rejects()) {
      receipt.outcome = Outcome::rejected;
      return receipt;
    }
    gather(handle);
    if (parts_.size() <= waiting_.size())
      leave_gradient(handle);
    else
      publish(handle);
    return receipt;
  }

  /// Whether gradients wait for others.
  bool has_waiting() {
    const std::lock_guard lock(mutex_);
    return !parts_.empty();
  }

  void leave(Handle&) {}

  Version snapshot(std::span<float> out) {
    const std::lock_guard lock(mutex_);
    kernels::active().copy(out.size(), state_.data(), out.data());
    return version();
  }

  Vectors vectors() const { return {.high_water = 1 + workers_}; }

 private:
  /// Behind what this worker and those of lower numbers have brought.
  void gather(Handle& handle) {
    const auto place = std::upper_bound(parts_.begin(), parts_.end(), handle.worker,
                                        [](std::size_t worker, const auto& part) { return worker < part.worker; });
    parts_.insert(place, {handle.gradient.data(), handle.receipt.scale, handle.worker});
  }

  /// The gradient stays here; the handle gets memory for the next one.
  void leave_gradient(Handle& handle) {
    std::swap(waiting_[parts_.size() - 1], handle.gradient);
    handle.receipt.outcome = Outcome::gathered;
  }

  void publish(Handle& handle) {
    Receipt& receipt = handle.receipt;
    advance_by_mean(layout_, receipt.rate, parts_, state_.data(), state_.data(), handle.view.data());
    parts_.clear();
    handle.copied = receipt.replaced + 1;
    version_.store(handle.copied, std::memory_order_relaxed);
    ++receipt.attempts;
    receipt.outcome = Outcome::published;
  }

  Version version() const { return version_.load(std::memory_order_relaxed); }

  const StateLayout layout_;
  const std::size_t workers_;
  AwakeMutex mutex_;  // guards state_, parts_, waiting_ and the writing of version_
  AlignedBuffer<float> state_;
  std::vector<GatheredPart> parts_;            // of the update in the making, in the order of its sum
  std::vector<AlignedBuffer<float>> waiting_;  // the gradients of these; the rest is memory to swap
  std::atomic<Version> version_;  // relaxed: who reads it without the mutex reads nothing else of the state
};

static_assert(Store<SoftsyncStore>);

}  // namespace asap
