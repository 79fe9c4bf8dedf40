// Courtesy among workers that would otherwise compute candidates in vain: whoever prepares one says so, and the others
// wait for it, but never for long.
#pragma once

#include <cstdint>

#include "asap/core/concurrency.h"
#include "asap/core/types.h"
#include "asap/platform/backoff.h"

namespace asap {

/// Advice, not a lock: nothing depends on it but the number of failed attempts, so all accesses are relaxed, and a
/// worker that waited in vain (the other one was interrupted, say) goes on and waits for the same turn no more.
/// Thread-safety: any number of workers. Progress: wait-free, bounded by about a quarter of a millisecond.
class Turn {
 public:
  /// Of one worker.
  struct Ticket {
    explicit Ticket(std::size_t worker) : stamp(worker + 1) {}
    std::uint64_t stamp;        // of this worker's turn; another one each time, never 0
    std::uint64_t ignored = 0;  // the turn that took too long
  };

  /// Takes the turn, or goes without it after a while.
  void take(Ticket& ticket) noexcept {
    ticket.stamp += kOneTurn;
    for (std::size_t pauses = 0; pauses < kMaxPauses; ++pauses) {
      std::uint64_t holder = 0;
      if (holder_.compare_exchange_strong(holder, ticket.stamp, std::memory_order_relaxed)) return;
      if (holder == ticket.ignored) return;
      while (holder_.load(std::memory_order_relaxed) == holder && pauses < kMaxPauses) {
        pause_briefly();
        ++pauses;
      }
      if (pauses >= kMaxPauses) ticket.ignored = holder;
    }
  }

  /// Ends the turn, if it was taken.
  void give_back(const Ticket& ticket) noexcept {
    std::uint64_t own = ticket.stamp;
    holder_.compare_exchange_strong(own, 0, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t kOneTurn = std::uint64_t{1} << 16;  // above the workers' numbers
  static constexpr std::size_t kMaxPauses = 16384;

  alignas(kCacheLine) Atomic<std::uint64_t> holder_{0};  // the stamp of the turn in progress, 0 for none
};

}  // namespace asap
