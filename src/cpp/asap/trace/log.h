// The records of one worker on their way to the sink: a ring of blocks that the worker fills and the spiller empties.
#pragma once

#include <atomic>
#include <cstdint>

#include "asap/core/aligned_buffer.h"
#include "asap/trace/record.h"

namespace asap {

/// Rung by workers for the spiller. Thread-safety: any. Progress: `ring` is wait-free but for waking a sleeper.
class SpillBell {
 public:
  void ring() noexcept {
    rung_.fetch_add(1, std::memory_order_release);  // (1) what was handed over before is visible to who hears it
    rung_.notify_one();
  }
  std::uint32_t count() const noexcept { return rung_.load(std::memory_order_acquire); }  // pairs with (1)
  void wait_beyond(std::uint32_t count) const noexcept { rung_.wait(count, std::memory_order_acquire); }

 private:
  std::atomic<std::uint32_t> rung_{0};
};

/// Thread-safety: `add` by the worker, `spill` by one other thread, `flush` once neither is called any more.
/// Progress: `add` is wait-free within a block; at its end it waits when no block is free, until the spiller has
/// written one, so that memory stays bounded and no record is lost. It allocates nothing.
class TraceLog {
 public:
  static constexpr std::uint64_t kBlock = 1024, kBlocks = 2;  // 80 KiB a worker

  TraceLog(std::uint16_t worker, SpillBell& bell)
      : worker_(worker),
        bell_(bell),
        ring_(AlignedBuffer<TraceRecord>::untouched(kCapacity, std::pmr::new_delete_resource())) {}

  void add(std::uint64_t batch, const Receipt& receipt) noexcept {
    if (added_ == limit_) find_room();
    ring_[added_ % kCapacity] = trace_record(batch, worker_, receipt);
    if (++added_ % kBlock == 0) hand_over();
  }

  /// Gives the blocks that are full to `write(records)`, and makes room.
  template <class Write>
  void spill(Write&& write) {
    const std::uint64_t handed = handed_.load(std::memory_order_acquire);  // pairs with (2): the records are complete
    for (std::uint64_t first = written_.load(std::memory_order_relaxed); first < handed; first += kBlock) {
      write(part(first, kBlock));
      written_.store(first + kBlock, std::memory_order_release);  // (3) the block was read and may be filled again
      written_.notify_one();
    }
  }

  /// Gives the rest to `write(records)`, full blocks and the last one.
  template <class Write>
  void flush(Write&& write) {
    spill(write);
    const std::uint64_t first = written_.load(std::memory_order_relaxed);
    if (first < added_) write(part(first, added_ - first));
    written_.store(added_, std::memory_order_relaxed);
  }

  std::uint64_t num_added() const { return added_; }  ///< for the worker, and for anybody once it has ended
  std::uint64_t stalls() const { return stalls_; }    ///< likewise: how often it waited for a free block

 private:
  static constexpr std::uint64_t kCapacity = kBlock * kBlocks;

  void hand_over() noexcept {
    handed_.store(added_, std::memory_order_release);  // (2)
    bell_.ring();
  }

  void find_room() noexcept {
    std::uint64_t written = written_.load(std::memory_order_acquire);  // pairs with (3)
    if (written + kCapacity == added_) ++stalls_;
    for (; written + kCapacity == added_; written = written_.load(std::memory_order_acquire))
      written_.wait(written, std::memory_order_acquire);
    limit_ = written + kCapacity;
  }

  std::span<const TraceRecord> part(std::uint64_t first, std::uint64_t count) const {
    return ring_.span().subspan(first % kCapacity, count);
  }

  // The worker's own. All four positions count records since the start of the run.
  const std::uint16_t worker_;
  SpillBell& bell_;
  AlignedBuffer<TraceRecord> ring_;
  std::uint64_t added_ = 0, limit_ = kCapacity, stalls_ = 0;
  std::atomic<std::uint64_t> handed_{0};                       // written by the worker
  alignas(kCacheLine) std::atomic<std::uint64_t> written_{0};  // written by the spiller
};

}  // namespace asap
