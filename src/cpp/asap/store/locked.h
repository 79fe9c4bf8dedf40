// Lock-based AsyncSGD: workers copy the parameters under a mutex, and update them under the mutex.
#pragma once

#include "asap/store/copying_handle.h"
#include "asap/store/guarded_state.h"
#include "asap/store/store.h"

namespace asap {

/// Thread-safety: any number of workers. Progress: blocking. Consistent views; memory 1 + m vectors and m gradients.
class LockedStore {
 public:
  using Handle = CopyingHandle;

  LockedStore(StateLayout layout, std::size_t workers, const Start& start) : workers_(workers), state_(layout, start) {}

  Handle handle(std::size_t) { return Handle(state_.layout()); }

  View read(Handle& handle) {
    if (handle.copied != state_.version()) handle.copied = state_.copy(handle.view.span());
    handle.receipt = {.read = handle.copied};
    return {handle.view.data(), handle.copied};
  }

  void prepare(Handle& handle, const StepRule& rule) { handle.rule = &rule; }

  Receipt commit(Handle& handle) {
    const Receipt receipt = state_.publish(handle, handle.view.data());
    if (receipt.outcome == Outcome::published) handle.copied = receipt.replaced + 1;
    return receipt;
  }

  void leave(Handle&) {}
  Version snapshot(std::span<float> out) { return state_.copy(out); }
  Vectors vectors() const { return {.high_water = 1 + workers_}; }

 private:
  const std::size_t workers_;
  GuardedState state_;
};

static_assert(Store<LockedStore>);

}  // namespace asap
