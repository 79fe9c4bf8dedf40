// Leashed-SGD (Bäckström, Walulya, Papatriantafilou, Tsigas 2021): published vectors are immutable; an update is a new
// vector, published by compare-and-swap. Lock-free and consistent.
#pragma once

#include "asap/store/copying_handle.h"
#include "asap/store/store.h"
#include "asap/store/turn.h"
#include "asap/store/vector_pool.h"

namespace asap {

/// Thread-safety: any number of workers up to the number given, and `readers` snapshots at the same time.
/// Progress: lock-free; with a persistence bound an update takes at most 1 + persistence attempts. Before an attempt a
/// worker waits, a bounded time, for one that is in progress: fewer vectors are computed in vain (turn.h).
/// Memory: 2m + c vectors, m gradients, with copies m more vectors; the pool has no more, and vectors().rescans stays 0
/// as long as they suffice.
class LeashedStore {
 public:
  struct Handle : CopyingHandle {
    Handle(const StateLayout& layout, bool copies, std::size_t worker)
        : CopyingHandle(layout, copies), ticket(worker) {}
    Turn::Ticket ticket;
    VectorPool::Pin pin;             // the view while pinned; the base of the attempt after prepare()
    VectorPool::Slot candidate = 0;  // private slot while owns_candidate
    VectorPool::Slot retired = 0;    // what the last publication replaced
    VectorPool::Slot published = 0;  // and what it published
    bool pinned = false, owns_candidate = false;
  };

  /// A failed attempt is repeated at most `persistence` times. `copy`: gradients are computed on a copy of the
  /// published vector instead of the vector itself. `readers`: snapshots that may run at the same time.
  LeashedStore(StateLayout layout, std::size_t workers, const Start& start, std::uint64_t persistence,
               bool copy = false, std::size_t readers = 1)
      : layout_(layout),
        workers_(workers),
        persistence_(persistence),
        copy_(copy),
        pool_(2 * workers + readers, layout.size(), start, layout.memory()) {}

  Handle handle(std::size_t worker) { return Handle(layout_, copy_, worker); }

  View read(Handle& handle) {
    unpin(handle);  // the gradient of the view before was not committed
    const View view = copy_ ? read_copy(handle) : read_in_place(handle);
    handle.receipt = {.read = view.version};
    return view;
  }

  /// On the latest vector: τ, C(τ) and, unless it rejects, the candidate. A retry sees newer ones than the attempt
  /// before.
  void prepare(Handle& handle, const StepRule& rule) {
    unpin(handle);  // the gradient is done; never acquire while pinning
    if (!handle.owns_candidate) {
      handle.candidate = pool_.acquire(handle.retired);
      handle.owns_candidate = true;
    }
    turn_.take(handle.ticket);
    pin(handle);
    Receipt& receipt = handle.receipt;
    receipt.replaced = handle.pin.version;
    const Step step = rule(receipt.tau(), receipt.replaced);
    receipt.apply(step);
    if (!step.rejects()) compute_candidate(handle, step);
    unpin(handle);
  }

  Receipt commit(Handle& handle) {
    Receipt& receipt = handle.receipt;
    receipt.outcome = receipt.scale == 0.0 ? Outcome::rejected : attempt(handle);
    turn_.give_back(handle.ticket);
    if (receipt.outcome == Outcome::published) {
      handle.owns_candidate = false;
      handle.retired = handle.pin.slot;
      handle.published = handle.candidate;
      if (copy_) handle.copied = receipt.replaced + 1;
    } else if (receipt.outcome != Outcome::retry) {
      release_candidate(handle);
    }
    return receipt;
  }

  void leave(Handle& handle) {
    unpin(handle);
    release_candidate(handle);
    turn_.give_back(handle.ticket);
  }

  Version snapshot(std::span<float> out) { return pool_.copy_latest(out); }

  Vectors vectors() const {
    return {.high_water = pool_.high_water() + (copy_ ? workers_ : 0), .rescans = pool_.rescans()};
  }

 private:
  View read_in_place(Handle& handle) {
    pin(handle);
    if (handle.pin.slot != handle.published) fetch(handle.pin.vector);
    return {handle.pin.vector, handle.pin.version};
  }

  View read_copy(Handle& handle) {
    if (handle.copied != pool_.approx_version()) handle.copied = pool_.copy_latest(handle.view.span());
    return {handle.view.data(), handle.copied};
  }

  /// Asks for another worker's vector from front to back: kernels read it in orders no processor foresees.
  void fetch(const float* vector) const {
    for (std::size_t i = 0; i < layout_.parameters(); i += StateLayout::kLineFloats) __builtin_prefetch(vector + i);
  }

  void compute_candidate(Handle& handle, const Step& step) {
    float* candidate = pool_.vector(handle.candidate);
    if (!copy_) return advance(layout_, step, handle.gradient.data(), handle.pin.vector, candidate);
    handle.copied = Handle::kNone;  // unless the candidate gets published
    advance_and_copy(layout_, step, handle.gradient.data(), handle.pin.vector, candidate, handle.view.data());
  }

  Outcome attempt(Handle& handle) {
    ++handle.receipt.attempts;
    if (pool_.publish(handle.pin, handle.candidate)) return Outcome::published;
    return handle.receipt.attempts <= persistence_ ? Outcome::retry : Outcome::dropped;
  }

  void pin(Handle& handle) {
    handle.pin = pool_.pin();
    handle.pinned = true;
  }

  void unpin(Handle& handle) {
    if (handle.pinned) pool_.unpin(handle.pin);
    handle.pinned = false;
  }

  void release_candidate(Handle& handle) {
    if (handle.owns_candidate) pool_.release(handle.candidate);
    handle.owns_candidate = false;
  }

  const StateLayout layout_;
  const std::size_t workers_;
  const std::uint64_t persistence_;
  const bool copy_;
  VectorPool pool_;
  Turn turn_;
};

static_assert(Store<LeashedStore>);

}  // namespace asap
