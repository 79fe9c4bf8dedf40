// Hogwild! (Niu, Recht, Ré, Wright 2011): nobody waits for anybody; components are read and written as they come.
#pragma once

#include "asap/store/racy_state.h"

namespace asap {

/// Thread-safety: any number of workers, with inconsistent views and possibly lost component updates by design
/// (racy.h). Progress: lock-free. Memory: one vector and m gradients in place, 1 + m vectors with copies. Corrections
/// that need the view need copies: in place it is gone when the gradient is done.
class HogwildStore {
 public:
  struct Handle : CopyingHandle {
    Handle(const StateLayout& layout, bool copies, std::size_t place) : CopyingHandle(layout, copies), begin(place) {}
    std::size_t begin;  // where its updates begin
  };

  /// `copy`: gradients are computed on a copy of the shared vector instead of the vector itself.
  HogwildStore(StateLayout layout, std::size_t workers, const Start& start, bool copy)
      : workers_(workers), copy_(copy || !racy::kReadInPlace), state_(layout, start) {}

  Handle handle(std::size_t worker) {
    const std::size_t pieces = (state_.layout().parameters() + kPiece - 1) / kPiece;
    return Handle(state_.layout(), copy_, worker % workers_ * pieces / workers_ * kPiece);
  }

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
  /// Each worker begins elsewhere. Those that publish at the same time would else write the same lines at the same
  /// time, hold each other up, and so stay in step for the whole run.
  void update(Handle& handle, const Receipt& receipt) {
    update(handle, receipt, handle.begin, state_.layout().parameters());
    update(handle, receipt, 0, handle.begin);
    if (copy_) handle.copied = receipt.replaced + 1;
  }

  void update(Handle& handle, const Receipt& receipt, std::size_t begin, std::size_t end) {
    const ScaledGradient update{receipt.step(), handle.gradient.data(), handle.view.data()};
    if (!copy_) return racy::advance(state_.layout(), update, state_.data(), begin, end);
    for (std::size_t first = begin; first < end; first += kPiece) {
      const std::size_t last = std::min(first + kPiece, end);
      racy::advance(state_.layout(), update, state_.data(), first, last);
      racy::copy(last - first, state_.data() + first, handle.view.data() + first);
    }
  }

  const std::size_t workers_;
  const bool copy_;
  RacyState state_;
};

static_assert(Store<HogwildStore>);

}  // namespace asap
