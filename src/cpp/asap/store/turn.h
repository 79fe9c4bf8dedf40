// Courtesy among workers that would otherwise compute candidates in vain: whoever prepares one says so, and the others
// wait for it, but never for long.
#pragma once

#include <cstdint>

#include "asap/core/concurrency.h"
#include "asap/core/types.h"
#include "asap/platform/backoff.h"

namespace asap {

/// Advice, not a lock: nothing depends on it but the number of failed attempts, so all accesses are relaxed. A worker
/// that waited in vain (the holder was interrupted, say) takes the turn over, so that nobody else waits for that one.
/// Thread-safety: any number of workers. Progress: wait-free, bounded by about a quarter of a millisecond.
class Turn {
 public:
  /// Of one worker.
  struct Ticket {
    explicit Ticket(std::size_t worker) : stamp(worker + 1) {}
    std::uint64_t stamp;  // of this worker's turn; another one each time, never 0
  };

  /// Takes the turn: when it is free, or over from somebody after a while. Where two do the latter at the same time,
  /// one goes without.
  void take(Ticket& ticket) noexcept {
    ticket.stamp += kOneTurn;
    std::size_t pauses = 0;
    for (std::uint64_t holder = 0; !replace(holder, ticket.stamp); holder = 0) {
      while (holder_.load(std::memory_order_relaxed) == holder && pauses < kMaxPauses) {
        pause_briefly();
        ++pauses;
      }
      if (pauses == kMaxPauses) {
        replace(holder, ticket.stamp);
        return;
      }
    }
  }

  /// Ends the turn, if it is still this worker's.
  void give_back(const Ticket& ticket) noexcept {
    std::uint64_t own = ticket.stamp;
    replace(own, 0);
  }

  bool holds(const Ticket& ticket) const noexcept { return holder_.load(std::memory_order_relaxed) == ticket.stamp; }

 private:
  static constexpr std::uint64_t kOneTurn = std::uint64_t{1} << 16;  // above the workers' numbers
  static constexpr std::size_t kMaxPauses = 16384;

  /// On failure `expected` becomes the holder.
  bool replace(std::uint64_t& expected, std::uint64_t stamp) noexcept {
    return holder_.compare_exchange_strong(expected, stamp, std::memory_order_relaxed);
  }

  alignas(kCacheLine) Atomic<std::uint64_t> holder_{0};  // the stamp of the turn in progress, 0 for none
};

}  // namespace asap
