// Sequential SGD: one worker, in place. The yardstick that every engine must match bit for bit with one worker.
#pragma once

#include <mutex>

#include "asap/store/store.h"

namespace asap {

/// Thread-safety: one worker; snapshot() from any thread. Progress: read() is wait-free; commit() and snapshot()
/// exclude each other by a mutex, so that a snapshot is never torn (the worker waits for one copy at most).
class SequentialStore {
 public:
  using Handle = asap::Handle;

  SequentialStore(StateLayout layout, std::span<const float> start) : layout_(layout), state_(layout.size()) {
    kernels::active().copy(layout.parameters(), start.data(), state_.data());
  }

  Handle handle(std::size_t) { return Handle(layout_); }

  View read(Handle& handle) {
    handle.receipt = {.read = version_};
    return {state_.data(), version_};
  }

  void prepare(Handle& handle, const StepRule& rule) {
    handle.receipt.replaced = version_;
    handle.receipt.apply(rule(0, version_));
  }

  Receipt commit(Handle& handle) {
    Receipt& receipt = handle.receipt;
    const Step step{receipt.rate, receipt.scale};
    if (step.rejects()) {
      receipt.outcome = Outcome::rejected;
      return receipt;
    }
    const std::lock_guard lock(mutex_);
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

  Vectors vectors() const { return {.high_water = 1}; }

 private:
  const StateLayout layout_;
  std::mutex mutex_;  // guards state_ and version_ against snapshots; the only writer reads them without it
  AlignedBuffer<float> state_;
  Version version_ = 0;
};

static_assert(Store<SequentialStore>);

}  // namespace asap
