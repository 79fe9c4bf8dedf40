// Random staleness distributions, and their sums.
#pragma once

#include <cmath>
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

/// Σ p(τ)^power.
inline double sum_of_powers(const Distribution& distribution, int power) {
  double sum = 0;
  for (Tau tau = 0; tau <= distribution.max_tau(); ++tau) sum += std::pow(distribution.probability(tau), power);
  return sum;
}

}  // namespace asap
