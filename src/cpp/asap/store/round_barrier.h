// A barrier whose members may leave: the last one to arrive, or to leave, ends the phase.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace asap {

/// Thread-safety: its members. Progress: blocking (waiting threads sleep).
class RoundBarrier {
 public:
  explicit RoundBarrier(std::size_t members) : members_(members) {}

  /// Waits until every member has arrived. The one that completes the phase runs `complete()` before anybody goes on.
  template <class Function>
  void arrive(Function&& complete) {
    std::unique_lock lock(mutex_);
    ++arrived_;
    if (arrived_ == members_) return end_phase(complete);
    const std::uint64_t phase = phase_;
    ended_.wait(lock, [&] { return phase_ != phase; });
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
    ++phase_;
    ended_.notify_all();
  }

  std::mutex mutex_;  // guards the rest
  std::condition_variable ended_;
  std::size_t members_, arrived_ = 0;
  std::uint64_t phase_ = 0;
};

}  // namespace asap
