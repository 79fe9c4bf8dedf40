// Policies that take their table from the staleness of the execution that they are used in.
#include <algorithm>
#include <cmath>

#include "asap/core/error.h"
#include "asap/step/policy.h"
#include "asap/step/staleness_law.h"
#include "asap/step/tabulate.h"

namespace asap::policy {
namespace {

constexpr double kFleetQuantile = 0.997;

ScaleTable dampened_until(double threshold, std::size_t workers) {
  const double beta = 2.0 / threshold * std::log1p(threshold / 2.0);
  return tabulate([beta](double tau) { return std::exp(-beta * tau); }, workers);
}

ScaleTable tail(const Distribution& distribution, double amplitude, Cdf cdf) {
  const auto counts = distribution.counts();
  const auto total = static_cast<double>(distribution.total());
  const double weight = cdf == Cdf::mid ? 0.5 : cdf == Cdf::inclusive ? 1.0 : 0.0;
  std::vector<double> entries;
  entries.reserve(counts.size() + 1);
  double below = 0.0;
  for (const std::uint64_t count : counts) {
    const double share = (below + weight * static_cast<double>(count)) / total;
    entries.push_back(1.0 + amplitude * (1.0 - 2.0 * share));
    below += static_cast<double>(count);
  }
  if (counts.size() != kTauBins) entries.push_back(1.0 - amplitude);  // the last bin has all that is beyond it
  return ScaleTable(std::move(entries));
}

/// 1/p in logarithms, up to a factor; less its mean over the distribution; capped and cut.
ScaleTable against(const StalenessLaw& law, const Distribution& distribution, double cap, Tau last) {
  const auto log_scale = [&](double tau) { return -law.log_weight(tau); };
  // E[C] = e^most · Σ p(τ) e^(log C(τ) − most): the powers may be too large for a double.
  const auto counts = distribution.counts();
  double most = log_scale(0.0);
  for (Tau tau = 0; tau < counts.size(); ++tau)
    if (counts[tau] > 0) most = std::max(most, log_scale(static_cast<double>(tau)));
  double mean = 0.0;
  for (Tau tau = 0; tau < counts.size(); ++tau)
    mean += distribution.probability(tau) * std::exp(log_scale(static_cast<double>(tau)) - most);
  return tabulate([&](double tau) {
    if (tau > static_cast<double>(last)) return 0.0;
    return std::min(cap, std::exp(log_scale(tau) - most - std::log(mean)));
  });
}

}  // namespace

Policy fleet(std::optional<double> threshold, Sample sample) {
  if (threshold) {
    if (!(*threshold > 0.0 && std::isfinite(*threshold)))
      invalid_argument("threshold must be a finite number above 0; got ", *threshold);
    return {"fleet",
            [t = *threshold](const Distribution&, const StepContext& context) {
              return dampened_until(t, context.workers);
            },
            std::nullopt};
  }
  check(sample);
  const auto table = [](const Distribution& distribution, const StepContext& context) {
    if (distribution.empty()) return dampened_until(static_cast<double>(context.workers) + 1.0, context.workers);
    return dampened_until(std::max(1.0, static_cast<double>(distribution.quantile(kFleetQuantile))), context.workers);
  };
  return {"fleet", table, sample};
}

Policy tail_tau(double amplitude, Cdf cdf, Sample sample) {
  if (!(amplitude >= 0.0 && amplitude <= 1.0)) invalid_argument("amplitude must be in [0, 1]; got ", amplitude);
  check(sample);
  const auto table = [=](const Distribution& distribution, const StepContext&) {
    return distribution.empty() ? ScaleTable({1.0}) : tail(distribution, amplitude, cdf);
  };
  return {"tail", table, sample};
}

Policy mind_the_step(Law law, double cap, Tau last, Sample sample) {
  if (!(cap > 0.0 && std::isfinite(cap))) invalid_argument("cap must be a finite number above 0; got ", cap);
  check(sample);
  const auto table = [=](const Distribution& distribution, const StepContext&) {
    if (distribution.empty()) return ScaleTable({1.0});
    return against(StalenessLaw::fit(law, distribution), distribution, cap, last);
  };
  return {"mind-the-step", table, sample};
}

}  // namespace asap::policy
