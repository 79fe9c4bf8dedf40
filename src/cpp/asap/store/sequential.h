// Sequential SGD: one worker, in place. The yardstick that every engine must match bit for bit with one worker.
#pragma once

#include "asap/store/guarded_state.h"
#include "asap/store/store.h"

namespace asap {

/// Thread-safety: one worker; snapshot() from any thread. Progress: read() is wait-free; commit() and snapshot()
/// exclude each other by a mutex, so that a snapshot is never torn (the worker waits for one copy at most).
class SequentialStore {
 public:
  using Handle = asap::Handle;

  SequentialStore(StateLayout layout, const Start& start) : state_(layout, start) {}

  Handle handle(std::size_t) { return Handle(state_.layout()); }

  View read(Handle& handle) {
    const View view = state_.unguarded_view();
    handle.receipt = {.read = view.version};
    return view;
  }

  void prepare(Handle& handle, const StepRule& rule) { handle.rule = &rule; }
  Receipt commit(Handle& handle) { return state_.publish(handle); }
  void leave(Handle&) {}
  Version snapshot(std::span<float> out) { return state_.copy(out); }
  Vectors vectors() const { return {.high_water = 1}; }

 private:
  GuardedState state_;
};

static_assert(Store<SequentialStore>);

}  // namespace asap
