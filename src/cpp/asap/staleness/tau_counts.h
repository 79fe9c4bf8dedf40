// Counting staleness on one thread, where τ has no bound that anybody knows.
#pragma once

#include <cstdint>
#include <vector>

#include "asap/staleness/distribution.h"

namespace asap {

/// Histogram of τ that grows with the largest one.
class TauCounts {
 public:
  void add(Tau tau) {
    if (tau >= counts_.size()) counts_.resize(tau + 1);
    ++counts_[tau];
    sum_ += tau;
  }

  /// What was counted before.
  void add(const Distribution& before) {
    if (before.counts().size() > counts_.size()) counts_.resize(before.counts().size());
    for (Tau tau = 0; tau < before.counts().size(); ++tau) counts_[tau] += before.counts()[tau];
    sum_ += before.tau_sum();
  }

  Distribution distribution() const { return Distribution(counts_, sum_); }

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t sum_ = 0;
};

/// Of each worker while they are few, else of all together.
class TeamTauCounts {
 public:
  static constexpr std::size_t kMostApart = 256;

  explicit TeamTauCounts(std::size_t workers) : counts_(workers <= kMostApart ? workers : 1) {}

  /// One τ, or what was counted before.
  template <class T>
  void add(std::size_t worker, const T& tau) {
    all_.add(tau);
    if (counts_.size() > 1) counts_[worker].add(tau);
  }

  Distribution all() const { return all_.distribution(); }

  std::vector<Distribution> distributions() const {
    if (counts_.size() == 1) return {all()};
    std::vector<Distribution> apart;
    for (const TauCounts& counts : counts_) apart.push_back(counts.distribution());
    return apart;
  }

 private:
  TauCounts all_;
  std::vector<TauCounts> counts_;
};

}  // namespace asap
