// One shared state behind a mutex, updated in place: what the sequential and the lock-based engine have in common.
#pragma once

#include <atomic>
#include <mutex>

#include "asap/store/awake_mutex.h"
#include "asap/store/store.h"

namespace asap {

/// Thread-safety: any, but for unguarded_view(). Progress: blocking, for the time of one copy or one update.
class GuardedState {
 public:
  GuardedState(StateLayout layout, const Start& start)
      : layout_(layout), state_(layout.size(), layout.memory()), version_(start.version) {
    kernels::active().copy(start.state.size(), start.state.data(), state_.data());
  }

  const StateLayout& layout() const { return layout_; }

  /// Decides τ and C(τ) for the version that is there and, unless C rejects, replaces it in place. `view`: the copy
  /// that the gradient was computed on, which becomes one of the new parameters; without one it was the state itself.
  Receipt publish(Handle& handle, float* view = nullptr) {
    const std::lock_guard lock(mutex_);
    Receipt& receipt = handle.receipt;
    receipt.replaced = version();
    const Step step = (*handle.rule)(receipt.tau(), receipt.replaced);
    receipt.apply(step);
    if (step.rejects()) {
      receipt.outcome = Outcome::rejected;
      return receipt;
    }
    if (view)
      advance_and_copy(layout_, {step, handle.gradient.data(), view}, state_.data(), state_.data(), view);
    else
      advance(layout_, {step, handle.gradient.data(), state_.data()}, state_.data(), state_.data());
    version_.store(receipt.replaced + 1, std::memory_order_relaxed);
    ++receipt.attempts;
    receipt.outcome = Outcome::published;
    return receipt;
  }

  /// Copies the beginning of the state.
  Version copy(std::span<float> out) {
    const std::lock_guard lock(mutex_);
    kernels::active().copy(out.size(), state_.data(), out.data());
    return version();
  }

  /// Without the mutex: for the only thread that publishes.
  View unguarded_view() const { return {state_.data(), version()}; }

  /// Others may be publishing a newer one, unless the caller holds the mutex.
  Version version() const { return version_.load(std::memory_order_relaxed); }

 private:
  const StateLayout layout_;
  AwakeMutex mutex_;  // guards state_ and the writing of version_
  AlignedBuffer<float> state_;
  std::atomic<Version> version_;  // relaxed: who reads it without the mutex reads nothing else of the state
};

}  // namespace asap
