// A pool of parameter vectors with one published among them: Leashed-SGD's shared state with safe reclamation.
//
// The published scheme of Leashed-SGD (Bäckström et al. 2021) frees vectors that a reader may still be about to count
// itself into, and lets a recycled address pass the compare-and-swap on an outdated base. Here slots are never freed,
// and every word carries the version it belongs to, so that one read-modify-write both counts a reader in and tells it
// whether it came in time (docs/memory_model.md; checked exhaustively, see there).
//
//   published_     {seq:48 | slot:16}                the version, and where it is
//   word[slot]     {seq:40 | state:2 | readers:22}   state is free, private_, live or retired
//
// Bound: m workers and c further readers need at most 2m + c slots: m candidates, one published vector, and at most
// m − 1 stale ones still pinned by workers (the last publisher pins none), c by the others. Workers that keep what they
// read pinned until they have published need 3m + c.
//
// Thread-safety: any number of threads. Progress: pin, unpin, publish are lock-free; acquire is lock-free as long as
// the bound holds (it finds a slot in one scan unless others take what is free and free what it has passed).
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>

#include "asap/core/aligned_buffer.h"
#include "asap/core/concurrency.h"
#include "asap/core/types.h"
#include "asap/store/start.h"

namespace asap {

class VectorPool {
 public:
  using Slot = std::uint32_t;

  /// A published vector that stays intact until it is unpinned.
  struct Pin {
    Slot slot = 0;
    Version version = 0;
    const float* vector = nullptr;
  };

  /// `slots` vectors of `size` floats in `memory`; `start` (at most that long, of a version below 2⁴⁸) is published,
  /// zeros behind it. The other vectors have no values, and their pages are first touched by whoever writes them.
  VectorPool(std::size_t slots, std::size_t size, const Start& start,
             std::pmr::memory_resource* memory = std::pmr::new_delete_resource());

  /// Pins the published vector. A thread that counts on 2m + c slots pins one at a time, and none while it acquires.
  Pin pin() noexcept;
  void unpin(const Pin& pin) noexcept;

  /// Copies the beginning of the published vector and returns its version.
  Version copy_latest(std::span<float> out) noexcept;

  /// A private slot, to be given to publish() or release(); `preferred` if that is free: the one that this thread
  /// retired last, whose vector is in its own cache and hardly in another's.
  Slot acquire(Slot preferred = 0) noexcept;
  void release(Slot slot) noexcept;
  float* vector(Slot slot) noexcept { return slots_[slot].vector.data(); }

  /// Publishes the private slot as version base.version + 1 if the base (no longer pinned) is still the published one;
  /// otherwise the slot stays private and false is returned.
  bool publish(const Pin& base, Slot fresh) noexcept;

  /// The published version; others may be publishing a newer one.
  Version approx_version() const noexcept;

  /// Slots used so far. A new one is taken only when all before it were seen in use, so this is the need, not the
  /// supply.
  std::size_t high_water() const noexcept { return high_water_.load(std::memory_order_relaxed); }
  /// Searches that found no slot and started over: while the bound holds, none but those that others overtake.
  std::uint64_t rescans() const noexcept { return rescans_.load(std::memory_order_relaxed); }

 private:
  struct alignas(kCacheLine) SlotData {
    Atomic<std::uint64_t> word{0};
    AlignedBuffer<float> vector;
  };

  bool take(Slot slot) noexcept;
  void free_if_retired(Slot slot, std::uint64_t retired) noexcept;
  void note_use(Slot slot) noexcept;

  alignas(kCacheLine) Atomic<std::uint64_t> published_{0};
  alignas(kCacheLine) Atomic<std::size_t> high_water_{1};
  Atomic<std::uint64_t> rescans_{0};
  const std::size_t num_slots_;
  std::unique_ptr<SlotData[]> slots_;
};

}  // namespace asap
