// Snapshots for the observer: taken by workers, each at the update that it is due at, and handed over by the
// coordinator.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/train/trainer.h"

namespace asap {

/// A bounded queue whose vectors are made at the start. When all are full, because the coordinator is kept from
/// running, a snapshot is left out. Thread-safety: any. Progress: blocking, for some instructions; a worker copies
/// outside the lock.
class SnapshotQueue {
 public:
  /// Nothing: no snapshot is ever due.
  SnapshotQueue(std::optional<std::uint64_t> every, std::size_t parameters) : every_(every.value_or(0)) {
    const std::size_t places = every ? kPlaces : 0;
    for (std::size_t i = 0; i < places; ++i) vectors_.emplace_back(parameters);
    free_.reserve(places), full_.reserve(places), taken_.reserve(places);
    for (AlignedBuffer<float>& vector : vectors_) free_.push_back(vector.span());
  }

  /// Whether a snapshot is to be taken when so many updates are published.
  bool is_due(Version published) const noexcept { return every_ != 0 && published % every_ == 0; }

  /// `take(theta)` fills a vector and returns what it is.
  template <class Take>
  void put(Take&& take) {
    std::span<float> theta;
    {
      const std::lock_guard lock(mutex_);
      if (free_.empty()) return;
      theta = free_.back();
      free_.pop_back();
    }
    const Moment moment = take(theta);
    const std::lock_guard lock(mutex_);
    full_.emplace_back(theta, moment);
  }

  /// Gives `look(theta, moment)` what is there, one after the other. Only the coordinator calls it.
  template <class Look>
  void hand_over(Look&& look) {
    {
      const std::lock_guard lock(mutex_);
      std::swap(full_, taken_);
    }
    for (const auto& [theta, moment] : taken_) look(std::span<const float>(theta), moment);
    const std::lock_guard lock(mutex_);
    for (const auto& each : taken_) free_.push_back(each.first);
    taken_.clear();
  }

 private:
  static constexpr std::size_t kPlaces = 16;

  const std::uint64_t every_;
  std::vector<AlignedBuffer<float>> vectors_;
  std::mutex mutex_;  // guards free_ and full_
  std::vector<std::span<float>> free_;
  std::vector<std::pair<std::span<float>, Moment>> full_, taken_;
};

}  // namespace asap
