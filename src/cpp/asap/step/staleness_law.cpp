#include "asap/step/staleness_law.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace asap::policy {
namespace {

constexpr double kMostNu = 50.0;
constexpr double kNothing = 1e-20;  // a weight beside the largest one, behind which all are less
constexpr int kSteps = 60;          // of a search

/// Means and covariances of x and y.
struct Moments {
  double x = 0, y = 0, xx = 0, xy = 0, yy = 0;
};

class WeightedSums {
 public:
  void add(double weight, double x, double y) {
    total_ += weight;
    sums_.x += weight * x;
    sums_.y += weight * y;
    sums_.xx += weight * x * x;
    sums_.xy += weight * x * y;
    sums_.yy += weight * y * y;
  }

  Moments moments() const {
    const double x = sums_.x / total_, y = sums_.y / total_;
    return {x, y, sums_.xx / total_ - x * x, sums_.xy / total_ - x * y, sums_.yy / total_ - y * y};
  }

 private:
  double total_ = 0;
  Moments sums_;
};

/// Where a function that grows is 0: Newton's steps inside an interval that shrinks. `function` gives value and slope.
template <class Function>
double root(Function function, double low, double high, double start, double tolerance) {
  double at = start;
  for (int step = 0; step < kSteps; ++step) {
    const auto [value, slope] = function(at);
    if (std::abs(value) <= tolerance) break;
    (value > 0 ? high : low) = at;
    const double next = at - value / slope;
    at = next > low && next < high ? next : low + (high - low) / 2;
  }
  return at;
}

/// The laws p(τ) ∝ e^(a·x − ν·y) with x = τ − c and y = log τ! − log c! − x·log c, c about the mean seen. Around it y
/// is small: no digit is lost to the size of factorials, and each of them is one logarithm from the one before.
class Family {
 public:
  Family(const Distribution& distribution, double mean)
      : mean_(mean),
        centre_(static_cast<Tau>(std::round(mean))),
        end_(centre_ + static_cast<Tau>(50.0 * (mean + 1.0))),
        y_(centre_ + 1) {
    for (Tau tau = centre_; tau > 0; --tau) y_[tau - 1] = y_[tau] - log_ratio(tau);
    WeightedSums sums;
    for (Tau tau = 0; tau <= distribution.max_tau(); ++tau) sums.add(distribution.probability(tau), x(tau), y(tau));
    seen_ = sums.moments();
  }

  /// The likeliest law: that with the means of x and y seen.
  StalenessLaw likeliest() {
    const double log_q = std::log(mean_ / (1.0 + mean_));  // of the geometric law
    if (moments(log_q, 0.0).y <= seen_.y) return {log_q, 0.0};
    double a = 0.0;
    const auto excess = [&](double nu) {  // falls with ν, among laws with the mean of x seen
      a = with_mean(nu, a);
      const Moments law = moments(a, nu);
      return std::pair(seen_.y - law.y, law.yy - law.xy * law.xy / law.xx);
    };
    const double nu =
        excess(kMostNu).first <= 0.0 ? kMostNu : root(excess, 0.0, kMostNu, mean_ / seen_.xx, 1e-13 * seen_.y);
    return {with_mean(nu, a) + nu * log_centre(), nu};
  }

 private:
  /// a of the law of this ν with the mean of x seen, which grows with a.
  double with_mean(double nu, double start) {
    const auto excess = [&](double a) {
      const Moments law = moments(a, nu);
      return std::pair(law.x - seen_.x, law.xx);
    };
    const double most = 50.0 + kMostNu;  // so far away are tiny means, and the next integer
    return root(excess, -most, most, start, 1e-14 * mean_);
  }

  /// Sums from the largest weight on to both sides, which fall ever faster.
  Moments moments(double a, double nu) {
    const auto log_weight = [&](Tau tau) { return a * x(tau) - nu * y(tau); };
    Tau mode = centre_;
    while (mode < end_ && log_weight(mode + 1) > log_weight(mode)) ++mode;
    while (mode > 0 && log_weight(mode - 1) > log_weight(mode)) --mode;
    const double most = log_weight(mode);
    WeightedSums sums;
    const auto add = [&](Tau tau) {
      const double weight = std::exp(log_weight(tau) - most);
      sums.add(weight, x(tau), y(tau));
      return weight > kNothing;
    };
    for (Tau tau = mode; tau <= end_ && add(tau); ++tau) {
    }
    for (Tau tau = mode; tau > 0 && add(tau - 1); --tau) {
    }
    return sums.moments();
  }

  double log_centre() const { return std::log(std::max(1.0, static_cast<double>(centre_))); }
  double log_ratio(Tau tau) const { return std::log(static_cast<double>(tau)) - log_centre(); }
  double x(Tau tau) const { return static_cast<double>(tau) - static_cast<double>(centre_); }
  double y(Tau tau) {
    while (y_.size() <= tau) y_.push_back(y_.back() + log_ratio(y_.size()));
    return y_[tau];
  }

  const double mean_;      // of τ
  const Tau centre_;       // c
  const Tau end_;          // of all sums: there the widest law, the geometric one, is as good as 0
  std::vector<double> y_;  // as far as it was asked for
  Moments seen_;
};

double mean_of(const Distribution& distribution) {
  double mean = 0;
  for (Tau tau = 1; tau <= distribution.max_tau(); ++tau)
    mean += distribution.probability(tau) * static_cast<double>(tau);
  return mean;
}

}  // namespace

double StalenessLaw::log_weight(double tau) const { return log_lambda * tau - nu * std::lgamma(tau + 1.0); }

StalenessLaw StalenessLaw::fit(Law law, const Distribution& distribution) {
  const double mean = mean_of(distribution);
  if (mean == 0.0) return {};  // nothing is stale, and all weights are alike
  switch (law) {
    case Law::geometric:
      return {std::log(mean / (1.0 + mean)), 0.0};
    case Law::poisson:
      return {std::log(mean), 1.0};
    case Law::conway_maxwell_poisson:
      break;
  }
  return Family(distribution, mean).likeliest();
}

}  // namespace asap::policy
