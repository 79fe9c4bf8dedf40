// Policies that take their table from the staleness of the execution that they are used in.
#include <algorithm>
#include <cmath>
#include <limits>

#include "asap/core/error.h"
#include "asap/core/saturating.h"
#include "asap/step/policy.h"
#include "asap/step/staleness_law.h"
#include "asap/step/tabulate.h"

namespace asap::policy {
namespace {

constexpr double kFleetQuantile = 0.997;

ScaleTable dampened_until(double threshold, const Distribution& seen, const StepContext& context) {
  const double beta = 2.0 / threshold * std::log1p(threshold / 2.0);
  return tabulate([beta](double tau) { return std::exp(-beta * tau); }, seen, context);
}

/// 1 − A beyond the largest τ. An open-ended last bin has that, too, hence one C, with which the mean is kept.
ScaleTable tail(const Distribution& distribution, double amplitude, Cdf cdf) {
  const auto total = static_cast<double>(distribution.total());
  const double halves = cdf == Cdf::mid ? 1.0 : cdf == Cdf::inclusive ? 2.0 : 0.0;  // of p(τ), in F
  std::vector<double> entries;
  entries.reserve(distribution.counts().size() + 1);
  std::uint64_t below = 0;
  for (const std::uint64_t count : distribution.counts()) {
    const double twice = (2.0 * static_cast<double>(below) + halves * static_cast<double>(count)) / total;  // 2F
    entries.push_back(1.0 + amplitude * (1.0 - std::min(twice, 2.0)));
    below += count;
  }
  if (!distribution.is_open_ended()) entries.push_back(1.0 - amplitude);
  return ScaleTable(std::move(entries));
}

/// log E[e^f(τ)]: the powers may be too large for a double, and so may those of τ that did not occur.
template <class Function>
double log_mean_exp(Function exponent, const Distribution& distribution) {
  double most = -std::numeric_limits<double>::infinity(), mean = 0.0;  // of f; of e^(f − most)
  for (Tau tau = 0; tau <= distribution.max_tau(); ++tau) {
    if (distribution.counts()[tau] == 0) continue;
    const double f = exponent(static_cast<double>(tau)), next = std::max(most, f);
    mean = mean * std::exp(most - next) + distribution.probability(tau) * std::exp(f - next);
    most = next;
  }
  return most + std::log(mean);
}

/// 1/p in logarithms, up to a factor; less its mean over the distribution; capped and cut.
ScaleTable against(const StalenessLaw& law, const Distribution& distribution, const StepContext& context, double cap,
                   Tau last) {
  const auto log_scale = [&](double tau) { return -law.log_weight(tau); };
  const double log_mean = log_mean_exp(log_scale, distribution);
  const auto scale = [&](double tau) {
    return tau > static_cast<double>(last) ? 0.0 : std::min(cap, std::exp(log_scale(tau) - log_mean));
  };
  return tabulate(scale, distribution, context, {.at = saturating_sum(last, 1), .is_last = true});
}

}  // namespace

Policy fleet(std::optional<double> threshold, Sample sample) {
  if (threshold) {
    if (!(*threshold > 0.0 && std::isfinite(*threshold)))
      invalid_argument("threshold must be a finite number above 0; got ", *threshold);
    return {"fleet",
            [t = *threshold](const Distribution& distribution, const StepContext& context) {
              return dampened_until(t, distribution, context);
            },
            std::nullopt};
  }
  check(sample);
  const auto table = [](const Distribution& distribution, const StepContext& context) {
    const double wanted = distribution.empty() ? static_cast<double>(context.workers) + 1.0
                                               : static_cast<double>(distribution.quantile(kFleetQuantile));
    return dampened_until(std::max(1.0, wanted), distribution, context);
  };
  return {"fleet", table, sample, true};
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
  const auto table = [=](const Distribution& distribution, const StepContext& context) {
    if (distribution.empty()) return ScaleTable({1.0});
    return against(StalenessLaw::fit(law, distribution), distribution, context, cap, last);
  };
  return {"mind-the-step", table, sample};
}

}  // namespace asap::policy
