// A barrier whose members may leave: the last one to arrive, or to leave, ends the phase.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "asap/core/concurrency.h"
#include "asap/core/types.h"
#include "asap/platform/backoff.h"
#include "asap/platform/cpus.h"

namespace asap {

/// Thread-safety: its members. Progress: blocking. Waiting threads stay awake for some microseconds where each has a
/// processor, and then sleep.
class RoundBarrier {
 public:
  explicit RoundBarrier(std::size_t members) : RoundBarrier(members, members <= usable_cpus()) {}
  RoundBarrier(std::size_t members, bool wait_awake) : wait_awake_(wait_awake), members_(members) {}

  /// Waits until every member has arrived. The one that completes the phase runs `complete()` before anybody goes on.
  template <class Function>
  void arrive(Function&& complete) {
    std::unique_lock lock(mutex_);
    ++arrived_;
    if (arrived_ == members_) return end_phase(complete);
    const std::uint64_t phase = phase_.load(std::memory_order_relaxed);
    // (1) acquire: pairs with (2): what came before the end of the phase is visible behind it.
    const auto ended = [&] { return phase_.load(std::memory_order_acquire) != phase; };
    lock.unlock();
    if (wait_awake_ && wait_awake(ended)) return;
    lock.lock();
    ended_.wait(lock, ended);
  }

  /// One member less, from the phase in progress on.
  template <class Function>
  void leave(Function&& complete) {
    const std::lock_guard lock(mutex_);
    --members_;
    if (members_ > 0 && arrived_ == members_) end_phase(complete);
  }

 private:
  template <class Function>
  void end_phase(Function&& complete) {
    complete();
    arrived_ = 0;
    phase_.fetch_add(1, std::memory_order_release);  // (2)
    ended_.notify_all();
  }

  const bool wait_awake_;
  Mutex mutex_;  // guards the rest; phase_ may be read without it
  ConditionVariable ended_;
  std::size_t members_, arrived_ = 0;
  alignas(kCacheLine) Atomic<std::uint64_t> phase_{0};  // alone on its line: waiting threads read it all the time
};

}  // namespace asap
