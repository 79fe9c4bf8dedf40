#include "asap/framework/properties.h"

#include <algorithm>
#include <cmath>

#include "asap/core/error.h"

namespace asap::framework {
namespace {

/// A sum that carries what its additions round off (Neumaier 1974), so that a million of them cost no digit.
class Sum {
 public:
  void add(double term) {
    const double next = sum_ + term;
    lost_ += std::abs(sum_) >= std::abs(term) ? (sum_ - next) + term : (term - next) + sum_;
    sum_ = next;
  }
  double value() const { return std::isfinite(sum_) ? sum_ + lost_ : sum_; }

 private:
  double sum_ = 0, lost_ = 0;
};

/// E[f(C(τ), τ)] over p.
template <class Function>
double mean_of(std::span<const double> scale, const Distribution& distribution, Function f) {
  Sum sum;
  const auto counts = distribution.counts();
  for (Tau tau = 0; tau < counts.size(); ++tau)
    if (counts[tau] > 0) {
      const double c = scale[std::min<std::size_t>(tau, scale.size() - 1)];
      sum.add(static_cast<double>(counts[tau]) * f(c, static_cast<double>(tau)));
    }
  return sum.value() / static_cast<double>(distribution.total());
}

std::optional<Tau> first_rise(std::span<const double> scale) {
  const auto rise = std::adjacent_find(scale.begin(), scale.end(), std::less<>());
  if (rise == scale.end()) return std::nullopt;
  return static_cast<Tau>(rise - scale.begin()) + 1;
}

void require(std::span<const double> scale, const Distribution& distribution) {
  if (scale.empty()) invalid_argument("scale must have at least one entry, C(0); got none");
  for (std::size_t tau = 0; tau < scale.size(); ++tau)
    if (std::isnan(scale[tau])) invalid_argument("scale must hold numbers; got C(", tau, ") = nan");
  if (distribution.empty()) invalid_argument("distribution must hold at least one update; got an empty one");
}

}  // namespace

bool Properties::preserves_mean(double tolerance) const { return std::abs(mean - 1.0) <= tolerance; }

bool Properties::is_bounded() const { return least >= 0.0 && std::isfinite(most); }

Properties properties_of(std::span<const double> scale, const Distribution& distribution) {
  require(scale, distribution);
  const auto mean = [&](auto f) { return mean_of(scale, distribution, f); };
  const auto [least, most] = std::minmax_element(scale.begin(), scale.end());
  return {.mean = mean([](double c, double) { return c; }),
          .second_moment = mean([](double c, double) { return c * c; }),
          .scaled_staleness = mean([](double c, double tau) { return c * tau; }),
          .scaled_squared_staleness = mean([](double c, double tau) { return c * tau * tau; }),
          .mean_staleness = mean([](double, double tau) { return tau; }),
          .mean_squared_staleness = mean([](double, double tau) { return tau * tau; }),
          .least = *least,
          .most = *most,
          .leveraged = mean([](double c, double) { return c > 1.0; }),
          .dampened = mean([](double c, double) { return c < 1.0; }),
          .rejected = mean([](double c, double) { return c == 0.0; }),
          .first_violation = first_rise(scale)};
}

std::vector<double> normalise(std::span<const double> scale, const Distribution& distribution) {
  const double mean = properties_of(scale, distribution).mean;
  if (!(mean > 0.0 && std::isfinite(mean)))
    invalid_argument("scale must have a finite mean E[C] above 0 to be normalised; got E[C] = ", mean);
  std::vector<double> entries(scale.begin(), scale.end());
  for (double& entry : entries) entry /= mean;
  return entries;
}

}  // namespace asap::framework
