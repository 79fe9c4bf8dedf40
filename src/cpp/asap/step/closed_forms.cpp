// Policies of τ alone: no distribution, one table for the whole run.
#include <algorithm>
#include <cmath>

#include "asap/core/error.h"
#include "asap/step/policy.h"
#include "asap/step/tabulate.h"

namespace asap::policy {
namespace {

/// scale(τ), whatever the context.
template <class Function>
Policy closed_form(std::string name, Function scale) {
  const auto table = [scale](const Distribution&, const StepContext& context) {
    return tabulate(scale, context.workers);
  };
  return {std::move(name), table, std::nullopt};
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
  return closed_form("hinge", [slope, b = static_cast<double>(grace)](double tau) {
    return tau <= b ? 1.0 : 1.0 / (slope * (tau - b) + 1.0);
  });
}

Policy exponential(double decay) {
  require_not_negative("decay", decay);
  return closed_form("exponential", [decay](double tau) { return std::exp(-decay * tau); });
}

Policy delay_adaptive() {
  const auto table = [](const Distribution&, const StepContext& context) {
    const auto m = static_cast<double>(context.workers);
    return tabulate([m](double tau) { return tau <= m ? 1.0 : m / tau; }, context.workers);
  };
  return {"delay-adaptive", table, std::nullopt};
}

Policy threshold(std::optional<Tau> critical, std::optional<double> smoothness) {
  if (smoothness && !(*smoothness > 0.0 && std::isfinite(*smoothness)))
    invalid_argument("smoothness must be a finite number above 0; got ", *smoothness);
  const auto table = [=](const Distribution&, const StepContext& context) {
    const auto fresh = static_cast<double>(critical.value_or(context.workers));
    const auto scale = [&](double tau) {
      if (tau <= fresh) return 1.0;
      return smoothness ? std::min(1.0, 1.0 / (4.0 * *smoothness * context.rate * tau)) : 0.0;
    };
    return tabulate(scale, context.workers);
  };
  return {"threshold", table, std::nullopt};
}

Policy ringmaster(Tau limit) {
  if (limit == 0) invalid_argument("limit must be at least 1, or every update is dropped; got 0");
  return closed_form("ringmaster", [r = static_cast<double>(limit)](double tau) { return tau < r ? 1.0 : 0.0; });
}

Policy fixed(std::vector<double> entries) {
  return {"table", [table = ScaleTable(std::move(entries))](const Distribution&, const StepContext&) { return table; },
          std::nullopt};
}

}  // namespace asap::policy
