// Hogwild! without gradients in between: the backward pass adds each weight's part to the shared vector as it comes.
#pragma once

#include <algorithm>

#include "asap/store/racy_state.h"

namespace asap {

/// `prepare` comes between the forward and the backward pass and settles τ and C(τ). Unless C rejects, the caller then
/// adds factor · gradient to the target's vector, which is the shared one:
///
///   const asap::View view = store.read(handle);      // forward pass on view.theta
///   store.prepare(handle, rule);
///   if (store.accepts(handle)) add(store.target(handle));   // backward pass on view.theta
///   store.commit(handle);
///
/// What others publish during the backward pass does not count into τ. Weight decay is a pass of its own behind it.
/// There is no momentum, and no gradient that could be looked at before it is applied.
/// Thread-safety, progress: as HogwildStore. Memory: one vector, with copies 1 + m; no gradients.
class FusedHogwildStore {
 public:
  struct Handle : CopyingHandle {
    Handle(const StateLayout& layout, bool copies) : CopyingHandle(layout, copies, !racy::kWriteInPlace) {}
  };

  /// Where the backward pass adds its gradient, and what it multiplies it by: −η·C(τ).
  struct Target {
    float* sum = nullptr;
    float factor = 0;
  };

  /// `copy`: gradients are computed on a copy of the shared vector instead of the vector itself.
  FusedHogwildStore(StateLayout layout, std::size_t workers, const Start& start, bool copy)
      : workers_(workers), copy_(copy || !racy::kReadInPlace), state_(layout, start) {}

  Handle handle(std::size_t) { return Handle(state_.layout(), copy_); }

  View read(Handle& handle) { return copy_ ? state_.read_copy(handle) : state_.read_in_place(handle); }

  void prepare(Handle& handle, const StepRule& rule) { state_.take_version(handle.receipt, rule); }

  bool accepts(const Handle& handle) const { return handle.receipt.outcome == Outcome::published; }

  Target target(Handle& handle) {
    const Step step = handle.receipt.step();
    std::fill_n(handle.gradient.data(), handle.gradient.size(), 0.0f);  // empty where the target is the shared vector
    return {racy::kWriteInPlace ? state_.data() : handle.gradient.data(), -static_cast<float>(step.rate * step.scale)};
  }

  Receipt commit(Handle& handle) {
    if (accepts(handle)) racy::add(handle.gradient.size(), handle.gradient.data(), state_.data());
    return handle.receipt;
  }

  /// θ ← (1 − η·C·λ)·θ, behind an accepted update.
  void decay(const Handle& handle, double weight_decay) {
    const Step step = handle.receipt.step();
    racy::multiply(state_.layout().parameters(), static_cast<float>(1.0 - step.rate * step.scale * weight_decay),
                   state_.data());
  }

  void leave(Handle&) {}
  Version snapshot(std::span<float> out) { return state_.copy(out); }
  Vectors vectors() const { return {.high_water = copy_ ? 1 + workers_ : 1}; }

 private:
  const std::size_t workers_;
  const bool copy_;
  RacyState state_;
};

static_assert(Store<FusedHogwildStore>);

}  // namespace asap
