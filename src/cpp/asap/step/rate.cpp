#include "asap/step/rate.h"

#include <cmath>
#include <numbers>

#include "asap/core/error.h"

namespace asap {

Rate::Rate(Kind kind, double base, double second, std::uint64_t period)
    : kind_(kind), base_(base), second_(second), period_(period) {
  if (!(base > 0.0 && std::isfinite(base))) invalid_argument("rate must be a finite number above 0; got ", base);
  if (period == 0) invalid_argument("the period of a rate schedule must be at least 1 update; got 0");
}

Rate Rate::constant(double base) { return {Kind::constant, base, 0.0, 1}; }

Rate Rate::step(double base, double factor, std::uint64_t every) {
  if (!(factor > 0.0 && factor <= 1.0)) invalid_argument("factor must be in (0, 1]; got ", factor);
  return {Kind::step, base, factor, every};
}

Rate Rate::cosine(double base, double final, std::uint64_t updates) {
  if (!(final >= 0.0 && final <= base))
    invalid_argument("final must be in [0, rate]; got ", final, " with rate ", base);
  return {Kind::cosine, base, final, updates};
}

double Rate::operator()(Version t) const {
  if (kind_ == Kind::step) return base_ * std::pow(second_, static_cast<double>(t / period_));
  if (kind_ == Kind::cosine) {
    const double share = t < period_ ? static_cast<double>(t) / static_cast<double>(period_) : 1.0;
    return second_ + (base_ - second_) * 0.5 * (1.0 + std::cos(std::numbers::pi * share));
  }
  return base_;
}

}  // namespace asap
