// Batches by number: who takes a number next is decided at run time, which samples it stands for by the seed alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "asap/core/concurrency.h"
#include "asap/core/types.h"
#include "asap/data/permutation.h"

namespace asap {

/// Batch k is the (k mod batches_per_epoch)-th part of epoch ⌊k / batches_per_epoch⌋'s order; the last one of an epoch
/// may be shorter. Thread-safe.
class BatchSource {
 public:
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  /// Both `samples` and `batch_size` are at least 1. The numbers below `batches` may be taken, and with grants those
  /// below `max_batches`; of a resumed run from `first` on.
  BatchSource(std::uint64_t samples, std::uint64_t batch_size, std::uint64_t seed, std::uint64_t batches,
              std::uint64_t max_batches = kUnlimited, std::uint64_t first = 0)
      : samples_(samples),
        batch_size_(batch_size),
        seed_(seed),
        max_batches_(max_batches),
        next_(first),
        limit_(batches) {}

  std::uint64_t batches_per_epoch() const { return (samples_ - 1) / batch_size_ + 1; }

  /// The next number, or nothing when all were taken. Lock-free.
  std::optional<std::uint64_t> take() {
    // Relaxed: a number guards no data, the samples it stands for never change.
    std::uint64_t next = next_.load(std::memory_order_relaxed);
    while (next < limit_.load(std::memory_order_relaxed))
      if (next_.compare_exchange_weak(next, next + 1, std::memory_order_relaxed)) return next;
    return std::nullopt;
  }

  /// Whether number k may be worked on, for callers that assign numbers themselves (rounds). Wait-free.
  bool contains(std::uint64_t k) const { return k < limit_.load(std::memory_order_relaxed); }

  /// One more batch, for a gradient that was not published. Lock-free.
  void grant() {
    std::uint64_t limit = limit_.load(std::memory_order_relaxed);
    while (limit < max_batches_ && !limit_.compare_exchange_weak(limit, limit + 1, std::memory_order_relaxed)) {
    }
  }

  /// How many samples batch k has.
  std::uint64_t num_samples(std::uint64_t k) const {
    return std::min(batch_size_, samples_ - k % batches_per_epoch() * batch_size_);
  }

  /// Writes the samples of batch k into `indices` (room for a whole batch) and returns the part that is used.
  std::span<const std::uint64_t> samples(std::uint64_t k, std::span<std::uint64_t> indices) const {
    const std::uint64_t epoch = k / batches_per_epoch(), first = k % batches_per_epoch() * batch_size_;
    const Permutation order(samples_, mix_bits(seed_) + epoch);
    const std::uint64_t count = num_samples(k);
    for (std::uint64_t i = 0; i < count; ++i) indices[i] = order(first + i);
    return indices.first(count);
  }

 private:
  const std::uint64_t samples_, batch_size_, seed_, max_batches_;
  alignas(kCacheLine) Atomic<std::uint64_t> next_;   // written by every worker
  alignas(kCacheLine) Atomic<std::uint64_t> limit_;  // read by every worker, hardly ever written
};

}  // namespace asap
