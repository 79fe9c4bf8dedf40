// Hogwild! (Niu, Recht, Ré, Wright 2011): nobody waits for anybody; components are read and written as they come.
#pragma once

#include "asap/store/racy_state.h"

namespace asap {

/// Thread-safety: any number of workers, with inconsistent views and possibly lost component updates by design
/// (racy.h). Progress: wait-free. Memory: one vector and m gradients in place, 1 + m vectors with copies.
class HogwildStore {
 public:
  using Handle = CopyingHandle;

  /// `copy`: gradients are computed on a copy of the shared vector instead of the vector itself.
  HogwildStore(StateLayout layout, std::size_t workers, std::span<const float> start, bool copy)
      : workers_(workers), copy_(copy || !racy::kReadInPlace), state_(layout, start) {}

  Handle handle(std::size_t) { return Handle(state_.layout(), copy_); }

  View read(Handle& handle) { return copy_ ? state_.read_copy(handle) : state_.read_in_place(handle); }

  void prepare(Handle& handle, const StepRule& rule) { handle.rule = &rule; }

  Receipt commit(Handle& handle) {
    Receipt& receipt = handle.receipt;
    state_.take_version(receipt, *handle.rule);
    if (receipt.outcome == Outcome::published) update(handle, receipt);
    return receipt;
  }

  void leave(Handle&) {}
  Version snapshot(std::span<float> out) { return state_.copy(out); }
  Vectors vectors() const { return {.high_water = copy_ ? 1 + workers_ : 1}; }

 private:
  void update(Handle& handle, const Receipt& receipt) {
    const float* gradient = handle.gradient.data();
    if (!copy_) return racy::advance(state_.layout(), receipt.step(), gradient, state_.data());
    racy::advance_and_copy(state_.layout(), receipt.step(), gradient, state_.data(), handle.view.data());
    handle.copied = receipt.replaced + 1;
  }

  const std::size_t workers_;
  const bool copy_;
  RacyState state_;
};

static_assert(Store<HogwildStore>);

}  // namespace asap
