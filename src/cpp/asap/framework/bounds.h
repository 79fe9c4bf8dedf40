// Bounds on the error of asynchronous SGD with a scale C under staleness τ ~ p, the best rate for them, and the updates
// that they ask for (docs/theory.md has the assumptions and the proofs).
#pragma once

#include <cstdint>
#include <optional>

#include "asap/framework/properties.h"

namespace asap::framework {

/// What is known of the objective f.
struct Constants {
  double smoothness = 0;                 ///< L: ‖∇f(x) − ∇f(y)‖ ≤ L‖x − y‖
  double gradient = 0;                   ///< M²: E‖g‖² of a batch's gradient, wherever it is computed
  std::optional<double> distance = {};   ///< D = ‖θ₀ − θ*‖
  std::optional<double> gap = {};        ///< f(θ₀) − f*
  std::optional<double> curvature = {};  ///< μ of Polyak–Łojasiewicz: ‖∇f‖² ≥ 2μ(f − f*)
};

/// start(η, T) + linear·η + quadratic·η², where start is start/(ηT), or start·(1 − ημ)^T with a contraction μ, for
/// η ≤ 1/μ. η stands for the mean step, η·E[C].
class Bound {
 public:
  Bound(double mean_scale, double start, double linear, double quadratic, std::optional<double> contraction = {});

  /// The bound after T updates at the base rate η; infinity where it does not hold (η·E[C] > 1/μ).
  double operator()(double rate, std::uint64_t updates) const;

  /// The base rate with the smallest bound after T ≥ 1 updates; 0 where any step only makes it worse.
  double best_rate(std::uint64_t updates) const;

  /// The fewest updates after which the bound, at its best rate, is at most `error` > 0.
  std::uint64_t updates_to(double error) const;

 private:
  double value(double step, double updates) const;
  double slope(double step, double updates) const;
  double best_step(double updates) const;
  double largest_step(double updates) const;

  double mean_scale_, start_, linear_, quadratic_;
  std::optional<double> contraction_;
};

/// Those for which the constants suffice.
struct Bounds {
  std::optional<Bound> convex;              ///< (1/T) Σ E f(θ_t) − f*, f convex; needs D
  std::optional<Bound> convex_views;        ///< (1/T) Σ E[C(τ_t)(f(v_t) − f*)], f convex; needs D, not L
  std::optional<Bound> non_convex;          ///< (1/T) Σ E‖∇f(θ_t)‖²; needs the gap
  std::optional<Bound> polyak_lojasiewicz;  ///< E f(θ_T) − f*; needs the gap and μ
};

/// Scales whose mean is not 1 are taken as C / E[C] with the rate η·E[C]. Throws std::invalid_argument for constants
/// that are not finite and above 0, μ > L, a negative or unbounded C, and E[C] = 0.
Bounds bounds(const Properties& properties, const Constants& constants);

}  // namespace asap::framework
