// One shared state behind a mutex, updated in place: what the sequential and the lock-based engine have in common.
#pragma once

#include <mutex>

#include "asap/store/awake_mutex.h"
#include "asap/store/store.h"

namespace asap {

/// Thread-safety: any, but for unguarded_view(). Progress: blocking, for the time of one copy or one update.
class GuardedState {
 public:
  GuardedState(StateLayout layout, std::span<const float> start)
      : layout_(layout), state_(layout.size(), layout.memory()) {
    kernels::active().copy(layout.parameters(), start.data(), state_.data());
  }

  const StateLayout& layout() const { return layout_; }

  /// Decides τ and C(τ) for the version that is there and, unless C rejects, replaces it in place.
  Receipt publish(Handle& handle) {
    const std::lock_guard lock(mutex_);
    Receipt& receipt = handle.receipt;
    receipt.replaced = version_;
    const Step step = (*handle.rule)(receipt.tau(), version_);
    receipt.apply(step);
    if (step.rejects()) {
      receipt.outcome = Outcome::rejected;
      return receipt;
    }
    advance(layout_, step, handle.gradient.data(), state_.data(), state_.data());
    ++version_;
    ++receipt.attempts;
    receipt.outcome = Outcome::published;
    return receipt;
  }

  Version copy(std::span<float> theta) {
    const std::lock_guard lock(mutex_);
    kernels::active().copy(layout_.parameters(), state_.data(), theta.data());
    return version_;
  }

  /// Without the mutex: for the only thread that publishes.
  View unguarded_view() const { return {state_.data(), version_}; }

 private:
  const StateLayout layout_;
  AwakeMutex mutex_;  // guards state_ and version_
  AlignedBuffer<float> state_;
  Version version_ = 0;
};

}  // namespace asap
