#include "asap/step/staleness_law.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "asap/staleness/histogram.h"

namespace asap::policy {
namespace {

constexpr double kMostNu = 50.0;
constexpr int kSteps = 60;  // of a search that halves its interval at least

struct Means {
  double tau = 0, log_factorial = 0;
};

struct Moments {
  Means mean;
  double variance = 0;  // of τ
};

/// log τ! = log Γ(τ + 1), for all τ that are told apart.
const std::array<double, kTauBins>& log_factorials() {
  static const auto table = [] {
    std::array<double, kTauBins> values{};
    for (std::size_t tau = 1; tau < kTauBins; ++tau) values[tau] = values[tau - 1] + std::log(static_cast<double>(tau));
    return values;
  }();
  return table;
}

Means seen(const Distribution& distribution) {
  Means means;
  for (Tau tau = 0; tau <= distribution.max_tau(); ++tau) {
    means.tau += distribution.probability(tau) * static_cast<double>(tau);
    means.log_factorial += distribution.probability(tau) * log_factorials()[std::min<Tau>(tau, kTauBins - 1)];
  }
  return means;
}

Moments moments(const StalenessLaw& law) {
  const auto& factorials = log_factorials();
  const auto log_weight = [&](std::size_t tau) {
    return law.log_lambda * static_cast<double>(tau) - law.nu * factorials[tau];
  };
  double most = log_weight(0);
  for (std::size_t tau = 1; tau < kTauBins; ++tau) most = std::max(most, log_weight(tau));
  double sum = 0, sum_tau = 0, sum_squares = 0, sum_factorial = 0;
  for (std::size_t tau = 0; tau < kTauBins; ++tau) {
    const double weight = std::exp(log_weight(tau) - most), t = static_cast<double>(tau);
    sum += weight;
    sum_tau += weight * t;
    sum_squares += weight * t * t;
    sum_factorial += weight * factorials[tau];
  }
  const double mean = sum_tau / sum;
  return {{mean, sum_factorial / sum}, sum_squares / sum - mean * mean};
}

/// The law of this ν with that mean of τ, which grows with λ: Newton's steps inside an interval that shrinks.
StalenessLaw with_mean(double nu, double mean) {
  double low = -50.0, high = 50.0 + kMostNu * std::log(static_cast<double>(kTauBins));
  StalenessLaw law{std::log(mean) * std::max(nu, 1e-3), nu};
  for (int step = 0; step < kSteps; ++step) {
    const Moments found = moments(law);
    const double error = found.mean.tau - mean;
    if (std::abs(error) <= 1e-12 * mean) break;
    (error > 0 ? high : low) = law.log_lambda;
    const double next = law.log_lambda - error / found.variance;
    law.log_lambda = next > low && next < high ? next : low + (high - low) / 2;
  }
  return law;
}

/// Among the laws with the mean of τ seen, that of log τ! falls as ν grows.
StalenessLaw conway_maxwell_poisson(const Means& wanted) {
  double low = 0.0, high = kMostNu;
  if (moments(with_mean(low, wanted.tau)).mean.log_factorial <= wanted.log_factorial) return with_mean(low, wanted.tau);
  for (int step = 0; step < kSteps && high - low > 1e-12 * high; ++step) {
    const double middle = low + (high - low) / 2;
    const bool too_wide = moments(with_mean(middle, wanted.tau)).mean.log_factorial > wanted.log_factorial;
    (too_wide ? low : high) = middle;
  }
  return with_mean(high, wanted.tau);
}

}  // namespace

double StalenessLaw::log_weight(double tau) const { return log_lambda * tau - nu * std::lgamma(tau + 1.0); }

StalenessLaw StalenessLaw::fit(Law law, const Distribution& distribution) {
  const Means means = seen(distribution);
  if (means.tau == 0.0) return {};  // nothing is stale, and all weights are alike
  switch (law) {
    case Law::geometric:
      return {std::log(means.tau / (1.0 + means.tau)), 0.0};
    case Law::poisson:
      return {std::log(means.tau), 1.0};
    case Law::conway_maxwell_poisson:
      break;
  }
  return conway_maxwell_poisson(means);
}

}  // namespace asap::policy
