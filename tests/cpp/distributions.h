// Random staleness distributions, and their sums.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "asap/staleness/distribution.h"

namespace asap {

/// A random histogram: few or many bins, with gaps, sometimes a single value.
inline Distribution random_distribution(std::mt19937_64& random) {
  std::vector<std::uint64_t> counts(1 + random() % 60);
  for (auto& count : counts) count = random() % 3 == 0 ? 0 : random() % 1000;
  counts[random() % counts.size()] += 1;
  return Distribution(std::move(counts));
}

/// One whose largest τ is this, with weights from a few up to 2^40, and gaps.
inline Distribution random_distribution_up_to(Tau max_tau, std::mt19937_64& random) {
  std::vector<std::uint64_t> counts(max_tau + 1);
  const std::uint64_t most = std::uint64_t{1} << random() % 41;
  for (auto& count : counts) count = random() % 3 == 0 ? 0 : random() % most;
  counts.back() += 1;
  return Distribution(std::move(counts));
}

/// Σ p(τ)^power.
inline double sum_of_powers(const Distribution& distribution, int power) {
  double sum = 0;
  for (Tau tau = 0; tau <= distribution.max_tau(); ++tau) sum += std::pow(distribution.probability(tau), power);
  return sum;
}

/// Counts in proportion to e^(log λ · τ − ν · log τ!) for τ up to `max_tau`; those that are as good as nothing are 0.
inline Distribution conway_maxwell_poisson(double log_lambda, double nu, Tau max_tau) {
  const auto log_weight = [&](Tau tau) {
    const auto t = static_cast<double>(tau);
    return log_lambda * t - nu * std::lgamma(t + 1.0);
  };
  double most = log_weight(0);
  for (Tau tau = 1; tau <= max_tau; ++tau) most = std::max(most, log_weight(tau));
  std::vector<std::uint64_t> counts;
  for (Tau tau = 0; tau <= max_tau; ++tau)
    counts.push_back(static_cast<std::uint64_t>(std::round(0x1p42 * std::exp(log_weight(tau) - most))));
  return Distribution(std::move(counts));
}

}  // namespace asap
