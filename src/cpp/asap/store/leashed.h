// Leashed-SGD (Bäckström, Walulya, Papatriantafilou, Tsigas 2021): published vectors are immutable; an update is a new
// vector, published by compare-and-swap. Lock-free and consistent.
#pragma once

#include <utility>

#include "asap/store/copying_handle.h"
#include "asap/store/store.h"
#include "asap/store/turn.h"
#include "asap/store/vector_pool.h"

namespace asap {

/// Thread-safety: any number of workers up to the number given, and `readers` snapshots at the same time.
/// Progress: lock-free; with a persistence bound an update takes at most 1 + persistence attempts. Before an attempt a
/// worker waits, a bounded time, for one that is in progress: fewer vectors are computed in vain (turn.h).
/// Memory: 2m + c vectors, m gradients, with copies m more vectors; corrections that need the view keep it until the
/// gradient is published or given up, which takes m more, in place or as copies. The pool has no more, and
/// vectors().rescans counts searches that others overtook.
class LeashedStore {
 public:
  struct Handle : CopyingHandle {
    Handle(const StateLayout& layout, bool copies, bool keeps_view, std::size_t worker)
        : CopyingHandle(layout, copies), ticket(worker), next(copies && keeps_view ? layout.parameters() : 0) {}
    Turn::Ticket ticket;
    AlignedBuffer<float> next;       // becomes the view with the publication, where that must be kept until then
    VectorPool::Pin read;            // the view, while reads
    VectorPool::Pin base;            // of the attempt, after prepare()
    VectorPool::Slot candidate = 0;  // private slot while owns_candidate
    VectorPool::Slot retired = 0;    // what the last publication replaced
    VectorPool::Slot published = 0;  // and what it published
    bool reads = false, owns_candidate = false;
  };

  /// A failed attempt is repeated at most `persistence` times. `copy`: gradients are computed on a copy of the
  /// published vector instead of the vector itself. `readers`: snapshots that may run at the same time.
  LeashedStore(StateLayout layout, std::size_t workers, const Start& start, std::uint64_t persistence,
               bool copy = false, std::size_t readers = 1)
      : layout_(layout),
        workers_(workers),
        persistence_(persistence),
        copy_(copy),
        keeps_view_(correction::needs_view(layout.correction())),
        pool_((keeps_view_ && !copy ? 3 : 2) * workers + readers, layout.size(), start, layout.memory()) {}

  Handle handle(std::size_t worker) { return Handle(layout_, copy_, keeps_view_, worker); }

  View read(Handle& handle) {
    leave_view(handle);  // its gradient was not committed
    const View view = copy_ ? read_copy(handle) : read_in_place(handle);
    handle.receipt = {.read = view.version};
    return view;
  }

  /// On the latest vector: τ, C(τ) and, unless it rejects, the candidate. A retry sees newer ones than the attempt
  /// before.
  void prepare(Handle& handle, const StepRule& rule) {
    if (!keeps_view_) leave_view(handle);  // the gradient is done
    if (!handle.owns_candidate) {
      handle.candidate = pool_.acquire(handle.retired);
      handle.owns_candidate = true;
    }
    turn_.take(handle.ticket);
    handle.base = pool_.pin();  // not before the slot is acquired: they are counted so
    Receipt& receipt = handle.receipt;
    receipt.replaced = handle.base.version;
    const Step step = rule(receipt.tau(), receipt.replaced);
    receipt.apply(step);
    if (!step.rejects()) compute_candidate(handle, step);
    pool_.unpin(handle.base);
  }

  Receipt commit(Handle& handle) {
    Receipt& receipt = handle.receipt;
    receipt.outcome = receipt.scale == 0.0 ? Outcome::rejected : attempt(handle);
    turn_.give_back(handle.ticket);
    if (receipt.outcome == Outcome::published) {
      handle.owns_candidate = false;
      handle.retired = handle.base.slot;
      handle.published = handle.candidate;
      if (copy_) handle.copied = receipt.replaced + 1;
      if (copy_ && keeps_view_) std::swap(handle.view, handle.next);
    } else if (receipt.outcome != Outcome::retry) {
      release_candidate(handle);
    }
    if (receipt.outcome != Outcome::retry) leave_view(handle);
    return receipt;
  }

  void leave(Handle& handle) {
    leave_view(handle);
    release_candidate(handle);
    turn_.give_back(handle.ticket);
  }

  Version snapshot(std::span<float> out) { return pool_.copy_latest(out); }

  Vectors vectors() const {
    const std::size_t copies = copy_ ? (keeps_view_ ? 2 : 1) * workers_ : 0;
    return {.high_water = pool_.high_water() + copies, .rescans = pool_.rescans()};
  }

 private:
  View read_in_place(Handle& handle) {
    handle.read = pool_.pin();
    handle.reads = true;
    if (handle.read.slot != handle.published) fetch(handle.read.vector);
    return {handle.read.vector, handle.read.version};
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
    const ScaledGradient update{step, handle.gradient.data(), copy_ ? handle.view.data() : handle.read.vector};
    if (!copy_) return advance(layout_, update, handle.base.vector, candidate);
    if (!keeps_view_) handle.copied = Handle::kNone;  // unless the candidate gets published
    float* copy = keeps_view_ ? handle.next.data() : handle.view.data();
    advance_and_copy(layout_, update, handle.base.vector, candidate, copy);
  }

  Outcome attempt(Handle& handle) {
    ++handle.receipt.attempts;
    if (pool_.publish(handle.base, handle.candidate)) return Outcome::published;
    return handle.receipt.attempts <= persistence_ ? Outcome::retry : Outcome::dropped;
  }

  void leave_view(Handle& handle) {
    if (handle.reads) pool_.unpin(handle.read);
    handle.reads = false;
  }

  void release_candidate(Handle& handle) {
    if (handle.owns_candidate) pool_.release(handle.candidate);
    handle.owns_candidate = false;
  }

  const StateLayout layout_;
  const std::size_t workers_;
  const std::uint64_t persistence_;
  const bool copy_;
  const bool keeps_view_;
  VectorPool pool_;
  Turn turn_;
};

static_assert(Store<LeashedStore>);

}  // namespace asap
