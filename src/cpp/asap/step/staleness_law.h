// The laws that MindTheStep takes staleness to follow, fitted to what was seen.
#pragma once

#include "asap/staleness/distribution.h"
#include "asap/step/policy.h"

namespace asap::policy {

/// p(τ) ∝ λ^τ / (τ!)^ν: geometric for ν = 0, Poisson for ν = 1.
struct StalenessLaw {
  double log_lambda = 0, nu = 0;

  double log_weight(double tau) const;  ///< log p(τ), up to a constant

  /// The likeliest of its kind to give these τ, in this family the one whose
  /// means of τ and, where ν is free, of log τ! are those seen, ν being in [0, 50]. Where all τ are 0, all weights
  /// are 1.
  static StalenessLaw fit(Law law, const Distribution& distribution);
};

}  // namespace asap::policy
