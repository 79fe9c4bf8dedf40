#include "asap/framework/bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "asap/core/error.h"

namespace asap::framework {
namespace {

void require(const char* name, double value) {
  if (!(value > 0.0 && std::isfinite(value))) invalid_argument(name, " must be a finite number above 0; got ", value);
}

void require(const char* name, std::optional<double> value) {
  if (value) require(name, *value);
}

void require(const Constants& constants) {
  require("smoothness", constants.smoothness);
  require("gradient", constants.gradient);
  require("distance", constants.distance);
  require("gap", constants.gap);
  require("curvature", constants.curvature);
  if (constants.curvature && *constants.curvature > constants.smoothness)
    invalid_argument("curvature must be at most smoothness, ", constants.smoothness, "; got ", *constants.curvature);
}

/// (1 − share)^times, to the last digit for small shares, too.
double shrunk(double share, double times) { return times == 0.0 ? 1.0 : std::exp(times * std::log1p(-share)); }

constexpr std::uint64_t kMostUpdates = std::uint64_t{1} << 62;

}  // namespace

Bound::Bound(double mean_scale, double start, double linear, double quadratic, std::optional<double> contraction)
    : mean_scale_(mean_scale), start_(start), linear_(linear), quadratic_(quadratic), contraction_(contraction) {}

double Bound::operator()(double rate, std::uint64_t updates) const {
  if (!(rate >= 0.0 && std::isfinite(rate))) invalid_argument("rate must be a finite number ≥ 0; got ", rate);
  if (updates == 0) invalid_argument("updates must be at least 1; got 0");
  const double step = rate * mean_scale_;
  if (contraction_ && step * *contraction_ > 1.0) return std::numeric_limits<double>::infinity();
  return value(step, static_cast<double>(updates));
}

double Bound::best_rate(std::uint64_t updates) const {
  if (updates == 0) invalid_argument("updates must be at least 1; got 0");
  return best_step(static_cast<double>(updates)) / mean_scale_;
}

std::uint64_t Bound::updates_to(double error) const {
  require("error", error);
  const auto reaches = [&](std::uint64_t updates) {
    const auto count = static_cast<double>(updates);
    return value(best_step(count), count) <= error;
  };
  std::uint64_t enough = 1;
  while (!reaches(enough)) {
    if (enough == kMostUpdates) invalid_argument("error must be reachable in 2^62 updates; got ", error);
    enough *= 2;
  }
  std::uint64_t low = enough / 2;  // too few, or 0
  while (enough - low > 1) {
    const std::uint64_t middle = low + (enough - low) / 2;
    (reaches(middle) ? enough : low) = middle;
  }
  return enough;
}

double Bound::value(double step, double updates) const {
  const double start = contraction_ ? start_ * shrunk(step * *contraction_, updates) : start_ / (step * updates);
  return start + step * (linear_ + quadratic_ * step);
}

double Bound::slope(double step, double updates) const {
  const double noise = linear_ + 2.0 * quadratic_ * step;
  if (!contraction_) return noise - start_ / (step * step * updates);
  return noise - start_ * *contraction_ * updates * shrunk(step * *contraction_, updates - 1.0);
}

/// The bound is convex in the step, so its slope changes sign once.
double Bound::best_step(double updates) const {
  double low = 0.0, high = largest_step(updates);
  if (slope(low, updates) >= 0.0) return low;
  if (slope(high, updates) <= 0.0) return high;
  for (double middle = high / 2.0; low < middle && middle < high; middle = low + (high - low) / 2.0)
    (slope(middle, updates) < 0.0 ? low : high) = middle;
  return high;
}

/// A step beyond which the bound only grows: where the linear part alone outweighs the start.
double Bound::largest_step(double updates) const {
  return contraction_ ? std::nextafter(1.0 / *contraction_, 0.0) : std::sqrt(start_ / (linear_ * updates));
}

Bounds bounds(const Properties& properties, const Constants& constants) {
  require(constants);
  if (!properties.is_bounded())
    invalid_argument("scale must lie between 0 and a finite number; it reaches from ", properties.least, " to ",
                     properties.most);
  require("the mean of scale", properties.mean);
  // Of C / E[C].
  const double c2 = properties.second_moment / (properties.mean * properties.mean);
  const double c_tau = properties.scaled_staleness / properties.mean;
  const double c_tau2 = properties.scaled_squared_staleness / properties.mean;
  const auto [l, m2, distance, gap, mu] = constants;

  Bounds found;
  const auto make = [&](double start, double linear, double quadratic, std::optional<double> contraction = {}) {
    return Bound(properties.mean, start, linear, quadratic, contraction);
  };
  if (distance) {
    const double start = *distance * *distance / 2.0, linear = m2 * c2 / 2.0;
    found.convex = make(start, linear, linear * l * c_tau2);
    found.convex_views = make(start, m2 * (c_tau + c2 / 2.0), 0.0);
  }
  if (gap) {
    const double linear = l * m2 * c2;
    found.non_convex = make(2.0 * *gap, linear, linear * l * c_tau2);
    if (mu) found.polyak_lojasiewicz = make(*gap, linear / (2.0 * *mu), linear * l * c_tau2 / (2.0 * *mu), mu);
  }
  return found;
}

}  // namespace asap::framework
