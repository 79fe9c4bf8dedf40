// Policies of τ alone: no distribution, one table for the whole run.
#include <algorithm>
#include <cmath>

#include "asap/core/error.h"
#include "asap/core/saturating.h"
#include "asap/step/policy.h"
#include "asap/step/tabulate.h"

namespace asap::policy {
namespace {

/// scale(τ), whatever the context.
template <class Function>
Policy closed_form(std::string name, Function scale, Turn turn = {}) {
  const auto table = [scale, turn](const Distribution& seen, const StepContext& context) {
    return tabulate(scale, seen, context, turn);
  };
  return {std::move(name), table, std::nullopt};
}

/// The last τ up to `limit`.
Tau last_tau(double limit) {
  constexpr double kMost = 0x1p62;
  return static_cast<Tau>(std::min(limit, kMost));
}

void require_not_negative(const char* name, double value) {
  if (!(value >= 0.0 && std::isfinite(value))) invalid_argument(name, " must be a finite number ≥ 0; got ", value);
}

}  // namespace

Policy constant() { return fixed({1.0}); }

Policy inverse() {
  return closed_form("inverse", [](double tau) { return tau < 1.0 ? 1.0 : 1.0 / tau; });
}

Policy inverse_plus_one() {
  return closed_form("inverse-plus-one", [](double tau) { return 1.0 / (tau + 1.0); });
}

Policy power(double exponent) {
  require_not_negative("exponent", exponent);
  return closed_form("power", [exponent](double tau) { return std::pow(tau + 1.0, -exponent); });
}

Policy hinge(double slope, Tau grace) {
  require_not_negative("slope", slope);
  const auto scale = [slope, b = static_cast<double>(grace)](double tau) {
    return tau <= b ? 1.0 : 1.0 / (slope * (tau - b) + 1.0);
  };
  return closed_form("hinge", scale, {.at = grace});
}

Policy exponential(double decay) {
  require_not_negative("decay", decay);
  return closed_form("exponential", [decay](double tau) { return std::exp(-decay * tau); });
}

Policy delay_adaptive() {
  const auto table = [](const Distribution& seen, const StepContext& context) {
    const auto m = static_cast<double>(context.workers);
    return tabulate([m](double tau) { return tau <= m ? 1.0 : m / tau; }, seen, context);
  };
  return {"delay-adaptive", table, std::nullopt, true};
}

Policy threshold(std::optional<Tau> critical, std::optional<double> smoothness) {
  if (smoothness && !(*smoothness > 0.0 && std::isfinite(*smoothness)))
    invalid_argument("smoothness must be a finite number above 0; got ", *smoothness);
  const auto table = [=](const Distribution& seen, const StepContext& context) {
    const Tau fresh = critical.value_or(context.workers);
    const auto allows = [fresh](double tau) { return tau <= static_cast<double>(fresh); };
    if (!smoothness)
      return tabulate([&](double tau) { return allows(tau) ? 1.0 : 0.0; }, seen, context,
                      {.at = saturating_sum(fresh, 1), .is_last = true});
    const double most = 1.0 / (4.0 * *smoothness * context.rate);  // τ for which 1/(4Lητ) = 1
    return tabulate([&](double tau) { return allows(tau) ? 1.0 : std::min(1.0, most / tau); }, seen, context,
                    {.at = std::max(fresh, last_tau(most))});
  };
  return {"threshold", table, std::nullopt, !critical};
}

Policy ringmaster(Tau limit) {
  if (limit == 0) invalid_argument("limit must be at least 1, or every update is dropped; got 0");
  const auto scale = [r = static_cast<double>(limit)](double tau) { return tau < r ? 1.0 : 0.0; };
  return closed_form("ringmaster", scale, {.at = limit, .is_last = true});
}

Policy fixed(std::vector<double> entries) {
  return {"table", [table = ScaleTable(std::move(entries))](const Distribution&, const StepContext&) { return table; },
          std::nullopt};
}

}  // namespace asap::policy
