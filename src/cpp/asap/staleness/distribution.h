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

/// What the last bin of counts has: its own τ, or all from there on.
enum class LastBin { one_tau, open_ended };

/// Counts of τ = 0, 1, …, max_tau(). Immutable; thread-safe.
class Distribution {
 public:
  Distribution() = default;
  /// With Σ τ as the counts have it.
  explicit Distribution(std::vector<std::uint64_t> counts, LastBin last = LastBin::one_tau);
  /// `tau_sum` is the exact Σ τ: more than the counts have where their last bin is open-ended.
  Distribution(std::vector<std::uint64_t> counts, std::uint64_t tau_sum);
  /// For sums that were read while others counted, which so do not tell.
  Distribution(std::vector<std::uint64_t> counts, std::uint64_t tau_sum, LastBin last);

  std::span<const std::uint64_t> counts() const {
    return counts_;
  }  ///< up to the largest τ seen; empty without updates
  std::uint64_t total() const { return total_; }
  std::uint64_t tau_sum() const { return tau_sum_; }
  bool empty() const { return total_ == 0; }
  Tau max_tau() const { return counts_.empty() ? 0 : counts_.size() - 1; }
  bool is_open_ended() const { return last_ == LastBin::open_ended; }  ///< then max_tau() stands for all τ beyond, too

  double mean() const;                                   ///< τ̄, 0 when empty
  double probability(Tau tau) const;                     ///< p(τ)
  double cdf(Tau tau, Cdf form = Cdf::inclusive) const;  ///< F(τ); 0 when empty
  /// The smallest τ with F(τ) ≥ q, for q in [0, 1]; throws std::invalid_argument outside or when empty.
  Tau quantile(double q) const;

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t total_ = 0, tau_sum_ = 0;
  LastBin last_ = LastBin::one_tau;
};

}  // namespace asap
