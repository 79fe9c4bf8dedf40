// Hogwild! (Niu, Recht, Ré, Wright 2011): nobody waits for anybody; components are read and written as they come.
#pragma once

#include <atomic>

#include "asap/store/copying_handle.h"
#include "asap/store/racy.h"
#include "asap/store/store.h"

namespace asap {

/// Thread-safety: any number of workers, with inconsistent views and possibly lost component updates by design
/// (racy.h). Progress: wait-free. Memory: one vector and m gradients in place, 1 + m vectors with copies.
class HogwildStore {
 public:
  using Handle = CopyingHandle;

  /// `copy`: gradients are computed on a copy of the shared vector instead of the vector itself.
  HogwildStore(StateLayout layout, std::size_t workers, std::span<const float> start, bool copy)
      : layout_(layout), workers_(workers), copy_(copy || !racy::kReadInPlace), state_(layout.size()) {
    kernels::active().copy(layout.parameters(), start.data(), state_.data());
  }

  Handle handle(std::size_t) { return Handle(layout_, copy_); }

  View read(Handle& handle) {
    const Version version = version_.load(std::memory_order_relaxed);
    handle.receipt = {.read = version};
    if (!copy_) return {state_.data(), version};
    racy::copy(layout_.parameters(), state_.data(), handle.view.data());
    return {handle.view.data(), version};
  }

  void prepare(Handle& handle, const StepRule& rule) { handle.rule = &rule; }

  Receipt commit(Handle& handle) {
    Receipt& receipt = handle.receipt;
    receipt.replaced = version_.load(std::memory_order_relaxed);
    receipt.apply((*handle.rule)(receipt.tau(), receipt.replaced));
    if (receipt.scale == 0.0) {
      receipt.outcome = Outcome::rejected;
      return receipt;
    }
    // The counter orders nothing (relaxed), but each number is given once: τ is exact, never negative.
    receipt.replaced = version_.fetch_add(1, std::memory_order_relaxed);
    const Step step = (*handle.rule)(receipt.tau(), receipt.replaced);
    receipt.apply(step);
    racy::advance(layout_, step, handle.gradient.data(), state_.data());
    ++receipt.attempts;
    receipt.outcome = Outcome::published;
    return receipt;
  }

  void leave(Handle&) {}

  /// Components may belong to different versions; exact once the workers have ended.
  Version snapshot(std::span<float> out) {
    const Version version = version_.load(std::memory_order_relaxed);
    racy::copy(layout_.parameters(), state_.data(), out.data());
    return version;
  }

  Vectors vectors() const { return {.high_water = copy_ ? 1 + workers_ : 1}; }

 private:
  const StateLayout layout_;
  const std::size_t workers_;
  const bool copy_;
  AlignedBuffer<float> state_;
  alignas(kCacheLine) std::atomic<Version> version_{0};  // alone on its line: every worker writes it
};

static_assert(Store<HogwildStore>);

}  // namespace asap
