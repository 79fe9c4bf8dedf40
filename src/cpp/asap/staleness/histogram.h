// Counting staleness while the run goes on: one writer each, readable by anybody at any time, exact after the join.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "asap/core/concurrency.h"
#include "asap/core/types.h"
#include "asap/staleness/distribution.h"

namespace asap {

/// A counter that one thread increments and any thread may read. It orders no other memory: relaxed on purpose.
template <class T>
class RelaxedCounter {
 public:
  void add(T amount) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  T load() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  Atomic<T> value_{};
};

/// Bins for τ = 0 … kTauBins−2, and one for everything above. Whatever is made of such counts takes τ ≥ kTauBins−1 for
/// kTauBins−1: C(kTauBins−1) is what E[C], TAIL-τ and the fitted laws have for all of these.
inline constexpr std::size_t kTauBins = 4096;

/// What the last of such bins has.
inline LastBin last_bin(const std::vector<std::uint64_t>& bins) {
  return bins.size() == kTauBins && bins.back() > 0 ? LastBin::open_ended : LastBin::one_tau;
}

/// Histogram of τ with a single writer. `add` is wait-free and never allocates.
class TauHistogram {
 public:
  void add(Tau tau) noexcept {
    bins_[std::min<std::size_t>(tau, kTauBins - 1)].add(1);
    tau_sum_.add(tau);
  }

  /// What was counted before.
  void add(const Distribution& before) noexcept {
    const std::size_t known = std::min(before.counts().size(), kTauBins);
    for (std::size_t tau = 0; tau < known; ++tau) bins_[tau].add(before.counts()[tau]);
    tau_sum_.add(before.tau_sum());
  }

  /// Adds the counts to `counts` (kTauBins long) and returns Σ τ.
  std::uint64_t merge_into(std::vector<std::uint64_t>& counts) const {
    for (std::size_t tau = 0; tau < kTauBins; ++tau) counts[tau] += bins_[tau].load();
    return tau_sum_.load();
  }

  Distribution distribution() const {
    std::vector<std::uint64_t> counts(kTauBins);
    const std::uint64_t sum = merge_into(counts);
    const LastBin last = last_bin(counts);
    return Distribution(std::move(counts), sum, last);
  }

 private:
  std::vector<RelaxedCounter<std::uint64_t>> bins_ = std::vector<RelaxedCounter<std::uint64_t>>(kTauBins);
  RelaxedCounter<std::uint64_t> tau_sum_;
};

}  // namespace asap
