#include "asap/store/vector_pool.h"

#include <algorithm>

#include "asap/core/error.h"
#include "asap/kernels/kernels.h"

namespace asap {
namespace {

using Word = std::uint64_t;

// Slot words.
enum State : Word { kFree, kPrivate, kLive, kRetired };
constexpr Word kOneState = Word{1} << 22;  // adding it moves a word to the next state
constexpr Word kOneSeq = Word{1} << 24;
constexpr Word kSeqMask = (Word{1} << 40) - 1;

constexpr Word seq_of(Word word) { return word >> 24; }
constexpr Word state_of(Word word) { return word >> 22 & 3; }
constexpr Word readers_of(Word word) { return word & (kOneState - 1); }
constexpr Word make_word(Word seq, State state, Word readers) {
  return (seq & kSeqMask) * kOneSeq + state * kOneState + readers;
}

// The published word.
constexpr unsigned kSlotBits = 16;
constexpr VectorPool::Slot slot_of(Word published) { return published & ((1u << kSlotBits) - 1); }
constexpr Version version_of(Word published) { return published >> kSlotBits; }
constexpr Word make_published(Version version, VectorPool::Slot slot) { return version << kSlotBits | slot; }

}  // namespace

VectorPool::VectorPool(std::size_t slots, std::size_t size, const Start& start, std::pmr::memory_resource* memory)
    : num_slots_(slots), slots_(std::make_unique<SlotData[]>(slots)) {
  if (slots < 2 || slots >= 1u << kSlotBits) invalid_argument("a vector pool has 2 to 65535 slots; got ", slots);
  // Only the first slot is touched: most of the others are never needed, and one that is costs its first user the
  // pages.
  slots_[0].vector = AlignedBuffer<float>(size, memory);
  for (std::size_t i = 1; i < slots; ++i) slots_[i].vector = AlignedBuffer<float>::untouched(size, memory);
  std::copy(start.state.begin(), start.state.end(), slots_[0].vector.data());
  slots_[0].word.store(make_word(start.version, kLive, 0), std::memory_order_relaxed);
  published_.store(make_published(start.version, 0), std::memory_order_relaxed);
}

VectorPool::Pin VectorPool::pin() noexcept {
  for (;;) {
    // (1) acquire: pairs with the release half of (4): the vector and the word of the slot are those of that version.
    const Word published = published_.load(std::memory_order_acquire);
    const Slot slot = slot_of(published);
    // (2) counts in and validates at once. acquire: pairs with the writes that made the word what it is, (3) and (4).
    const Word seen = slots_[slot].word.fetch_add(1, std::memory_order_acquire);
    const Pin pin{slot, version_of(published), slots_[slot].vector.data()};
    // A retired vector is still intact while anybody is counted in; a recycled slot has another seq or state.
    if (seq_of(seen) == (pin.version & kSeqMask) && state_of(seen) >= kLive) return pin;
    unpin(pin);
  }
}

void VectorPool::unpin(const Pin& pin) noexcept {
  // (5) release: the reads of the vector come before; pairs with the acquire in (7), whoever recycles the slot.
  const Word seen = slots_[pin.slot].word.fetch_sub(1, std::memory_order_release);
  if (state_of(seen) == kRetired && readers_of(seen) == 1) free_if_retired(pin.slot, seen - 1);
}

void VectorPool::free_if_retired(Slot slot, Word retired) noexcept {
  // (6) the whole word is compared: a reader that came back, or a slot recycled meanwhile, makes it fail, rightly.
  // acq_rel: passes on what (5) of all earlier readers released to the acquire in (7).
  slots_[slot].word.compare_exchange_strong(retired, make_word(seq_of(retired), kFree, 0), std::memory_order_acq_rel,
                                            std::memory_order_relaxed);
}

Version VectorPool::copy_latest(std::span<float> out) noexcept {
  const Pin latest = pin();
  kernels::active().copy(out.size(), latest.vector, out.data());
  unpin(latest);
  return latest.version;
}

VectorPool::Slot VectorPool::acquire(Slot preferred) noexcept {
  if (take(preferred)) return preferred;
  for (;;) {
    for (Slot slot = 0; slot < num_slots_; ++slot)
      if (take(slot)) {
        note_use(slot);
        return slot;
      }
    rescans_.fetch_add(1, std::memory_order_relaxed);
  }
}

/// Makes the slot private if it is free, or retired without readers. A free slot may show a late reader's transient
/// count: it is kept.
bool VectorPool::take(Slot slot) noexcept {
  Atomic<Word>& word = slots_[slot].word;
  Word seen = word.load(std::memory_order_relaxed);
  while (state_of(seen) == kFree || (state_of(seen) == kRetired && readers_of(seen) == 0)) {
    // (7) acquire: pairs with (5), (6) and (8): all reads of the old vector are over.
    if (word.compare_exchange_weak(seen, make_word(seq_of(seen), kPrivate, readers_of(seen)), std::memory_order_acquire,
                                   std::memory_order_relaxed))
      return true;
  }
  return false;
}

void VectorPool::release(Slot slot) noexcept {
  // private_ → free, readers kept. (8) release: pairs with (7).
  slots_[slot].word.fetch_sub(kOneState, std::memory_order_release);
}

bool VectorPool::publish(const Pin& base, Slot fresh) noexcept {
  const Version next = base.version + 1;
  // (3) private_ → live with the new seq, readers kept. Relaxed: nobody is led here before (4) succeeds.
  Atomic<Word>& word = slots_[fresh].word;
  Word seen = word.load(std::memory_order_relaxed);
  while (!word.compare_exchange_weak(seen, make_word(next, kLive, readers_of(seen)), std::memory_order_relaxed)) {
  }
  // (4) release: the vector's content and (3) come before; pairs with (1). acquire: for the retirement below.
  Word expected = make_published(base.version, base.slot);
  if (!published_.compare_exchange_strong(expected, make_published(next, fresh), std::memory_order_acq_rel,
                                          std::memory_order_relaxed)) {
    word.fetch_sub(kOneState, std::memory_order_relaxed);  // live → private_
    return false;
  }
  // (9) live → retired. acq_rel: takes over what earlier readers released, passes it on to (7).
  const Word old = slots_[base.slot].word.fetch_add(kOneState, std::memory_order_acq_rel);
  if (readers_of(old) == 0) free_if_retired(base.slot, old + kOneState);
  return true;
}

Version VectorPool::approx_version() const noexcept { return version_of(published_.load(std::memory_order_relaxed)); }

void VectorPool::note_use(Slot slot) noexcept {
  std::size_t highest = high_water_.load(std::memory_order_relaxed);
  while (slot >= highest && !high_water_.compare_exchange_weak(highest, slot + 1, std::memory_order_relaxed)) {
  }
}

}  // namespace asap
