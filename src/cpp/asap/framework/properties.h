// The ASAP framework's questions to a scale C under a staleness distribution p (docs/theory.md).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "asap/staleness/distribution.h"

namespace asap::framework {

/// What C does to updates of staleness τ ~ p. τ beyond the last bin of p count as that bin's.
struct Properties {
  double mean = 0;                      ///< E[C]; 1 keeps the mean step
  double second_moment = 0;             ///< E[C²]: at least 1 where the mean is 1, the price of adaptiveness
  double scaled_staleness = 0;          ///< E[Cτ]: at most τ̄ where mean and priority are preserved
  double scaled_squared_staleness = 0;  ///< E[Cτ²]: what the bounds ask for
  double mean_staleness = 0;            ///< τ̄
  double mean_squared_staleness = 0;    ///< E[τ²]
  double least = 0, most = 0;           ///< range of C over all τ
  double leveraged = 0;                 ///< Pr[C > 1]
  double dampened = 0;                  ///< Pr[C < 1]
  double rejected = 0;                  ///< Pr[C = 0]
  std::optional<Tau> first_violation;   ///< of priority: the smallest τ with C(τ) > C(τ−1)

  double variance() const { return second_moment - mean * mean; }
  bool preserves_mean(double tolerance) const;
  bool preserves_priority() const { return !first_violation; }
  bool is_bounded() const;  ///< 0 ≤ C(τ) < ∞ for all τ
};

/// `scale` holds C(0) … C(K), the last one for all τ ≥ K; infinities and negative numbers are reported, not refused.
/// Throws std::invalid_argument when there is no entry, one is no number, or p is empty.
Properties properties_of(std::span<const double> scale, const Distribution& distribution);

/// C / E[C]. Throws std::invalid_argument like `properties_of`, and where E[C] is 0 or infinite.
std::vector<double> normalise(std::span<const double> scale, const Distribution& distribution);

}  // namespace asap::framework
