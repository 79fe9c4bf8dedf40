// What workers tell the coordinator: rarely, without allocating, without waiting for it.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

#include "asap/train/report.h"

namespace asap {

/// An event. For epoch_end: the totals at that moment and, if one was armed, a snapshot taken by the worker who ended
/// it, with its version.
struct Event {
  enum class Kind { epoch_end, milestone, worker_ended };
  Kind kind = Kind::worker_ended;
  std::uint64_t gradients = 0;
  double seconds = 0;
  Counts totals = {};
  float* snapshot = nullptr;
  Version version = 0;
};

/// A bounded queue. When it is full an event is dropped: an epoch's row then merges with the next one's, everything
/// else is also seen in the workers' counters. Thread-safety: any. Progress: blocking, for the time of copying one
/// event.
class EventQueue {
 public:
  bool post(const Event& event) noexcept {
    return post_with([&](Event& slot) { slot = event; });
  }

  /// `fill(event)` runs inside the queue, so that what it counts never runs backwards from one event to the next.
  /// Returns whether there was room.
  template <class Fill>
  bool post_with(Fill&& fill) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (size_ == events_.size()) return false;
      fill(events_[(first_ + size_++) % events_.size()]);
    }
    posted_.notify_one();
    return true;
  }

  /// The oldest event, or nothing when none came in time.
  std::optional<Event> wait_for(std::chrono::duration<double> time) {
    std::unique_lock lock(mutex_);
    if (!posted_.wait_for(lock, std::max(time, decltype(time)::zero()), [&] { return size_ > 0; })) return std::nullopt;
    const Event event = events_[first_];
    first_ = (first_ + 1) % events_.size();
    --size_;
    return event;
  }

 private:
  static constexpr std::size_t kCapacity = 256;

  std::mutex mutex_;  // guards the rest
  std::condition_variable posted_;
  std::array<Event, kCapacity> events_{};
  std::size_t first_ = 0, size_ = 0;
};

}  // namespace asap
