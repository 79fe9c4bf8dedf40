// The staleness distribution p(τ) of an execution, as counts.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "asap/core/types.h"

namespace asap {

/// Which value of the step function F is taken at an integer τ: F(τ−1) + p(τ)/2, F(τ) or F(τ−1) (REFERENCE: mid, as
/// published, as in the papers' code).
enum class Cdf { mid, inclusive, exclusive };

/// Counts of τ = 0, 1, …, max_tau(). Immutable; thread-safe.
class Distribution {
 public:
  Distribution() = default;
  /// `tau_sum` is the exact Σ τ where counts' last bin collects larger values; by default it is taken from the counts.
  explicit Distribution(std::vector<std::uint64_t> counts);
  Distribution(std::vector<std::uint64_t> counts, std::uint64_t tau_sum);

  std::span<const std::uint64_t> counts() const {
    return counts_;
  }  ///< up to the largest τ seen; empty without updates
  std::uint64_t total() const { return total_; }
  std::uint64_t tau_sum() const { return tau_sum_; }
  bool empty() const { return total_ == 0; }
  Tau max_tau() const { return counts_.empty() ? 0 : counts_.size() - 1; }

  double mean() const;                                   ///< τ̄, 0 when empty
  double probability(Tau tau) const;                     ///< p(τ)
  double cdf(Tau tau, Cdf form = Cdf::inclusive) const;  ///< F(τ); 0 when empty
  /// The smallest τ with F(τ) ≥ q, for q in [0, 1]; throws std::invalid_argument outside or when empty.
  Tau quantile(double q) const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0, tau_sum_ = 0;
};

}  // namespace asap
