// Lock-based AsyncSGD: workers copy the parameters under a mutex, and update them under the mutex.
#pragma once

#include <mutex>

#include "asap/store/copying_handle.h"
#include "asap/store/store.h"

namespace asap {

/// Thread-safety: any number of workers. Progress: blocking. Consistent views; memory 1 + m vectors and m gradients.
class LockedStore {
 public:
  using Handle = CopyingHandle;

  LockedStore(StateLayout layout, std::size_t workers, std::span<const float> start)
      : layout_(layout), workers_(workers), state_(layout.size()) {
    kernels::active().copy(layout.parameters(), start.data(), state_.data());
  }

  Handle handle(std::size_t) { return Handle(layout_); }

  View read(Handle& handle) {
    const std::lock_guard lock(mutex_);
    kernels::active().copy(layout_.parameters(), state_.data(), handle.view.data());
    handle.receipt = {.read = version_};
    return {handle.view.data(), version_};
  }

  void prepare(Handle& handle, const StepRule& rule) { handle.rule = &rule; }

  Receipt commit(Handle& handle) {
    Receipt& receipt = handle.receipt;
    const std::lock_guard lock(mutex_);
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

  void leave(Handle&) {}

  Version snapshot(std::span<float> out) {
    const std::lock_guard lock(mutex_);
    kernels::active().copy(layout_.parameters(), state_.data(), out.data());
    return version_;
  }

  Vectors vectors() const { return {.high_water = 1 + workers_}; }

 private:
  const StateLayout layout_;
  const std::size_t workers_;
  std::mutex mutex_;  // guards state_ and version_
  AlignedBuffer<float> state_;
  Version version_ = 0;
};

static_assert(Store<LockedStore>);

}  // namespace asap
