// One shared state without a lock, and its counter of updates: what the forms of Hogwild! have in common.
#pragma once

#include "asap/core/concurrency.h"
#include "asap/store/copying_handle.h"
#include "asap/store/racy.h"
#include "asap/store/store.h"

namespace asap {

/// Thread-safety: any number of threads; the vector itself is read and written with the deliberate race of racy.h.
/// Progress: lock-free; a number is asked for again only when somebody else got it.
class RacyState {
 public:
  RacyState(StateLayout layout, const Start& start)
      : layout_(layout), state_(layout.size(), layout.memory()), version_(start.version) {
    kernels::active().copy(start.state.size(), start.state.data(), state_.data());
  }

  const StateLayout& layout() const { return layout_; }
  float* data() { return state_.data(); }
  Version version() const { return version_.load(std::memory_order_relaxed); }

  /// The vector itself, whatever becomes of it while it is read.
  View read_in_place(Handle& handle) {
    handle.receipt = {.read = version()};
    return {state_.data(), handle.receipt.read};
  }

  /// A copy in the handle, made without stopping anybody.
  View read_copy(CopyingHandle& handle) {
    if (handle.copied != version()) handle.copied = copy(handle.view.span());
    handle.receipt = {.read = handle.copied};
    return {handle.view.data(), handle.copied};
  }

  /// Settles τ and C(τ) of the update in `receipt` and, unless C rejects, gives it the next version.
  void take_version(Receipt& receipt, const StepRule& rule) {
    Version current = version();
    do {
      receipt.replaced = current;
      receipt.apply(rule(receipt.tau(), current));
      if (receipt.scale == 0.0) {
        receipt.outcome = Outcome::rejected;
        return;
      }
      // The counter orders nothing (relaxed), but each number is given once, and only with the C that was found for it:
      // τ is exact, and no update with C = 0 is published.
    } while (!version_.compare_exchange_weak(current, current + 1, std::memory_order_relaxed));
    ++receipt.attempts;
    receipt.outcome = Outcome::published;
  }

  /// Copies the beginning of the state. Components may belong to different versions; exact while no worker is at an
  /// update.
  Version copy(std::span<float> out) {
    const Version seen = version();
    racy::copy(out.size(), state_.data(), out.data());
    return seen;
  }

 private:
  const StateLayout layout_;
  AlignedBuffer<float> state_;
  alignas(kCacheLine) Atomic<Version> version_;  // alone on its line: every worker writes it
};

}  // namespace asap
