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

/// A τ of a sample, its share, and the logarithm of what C is to be proportional to.
struct Weighted {
  double probability = 0, log_weight = 0;
};

/// log(e^a + e^b), also of powers that are too large for a double.
double log_sum(double a, double b) { return std::max(a, b) + std::log1p(std::exp(-std::abs(a - b))); }

/// log a for which Σ p·min(cap, a·w) = 1: as many of the largest weights as need be are capped, and the others make up
/// for them. Infinite where all of them together cannot reach 1.
double log_factor(std::vector<Weighted> kept, double cap) {
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.log_weight < b.log_weight; });
  std::vector<double> log_sums;  // of p·w, over the smallest weights up to this one
  for (const auto& [probability, log_weight] : kept) {
    const double part = std::log(probability) + log_weight;
    log_sums.push_back(log_sums.empty() ? part : log_sum(log_sums.back(), part));
  }
  double missing = 1.0;  // of the mean, without those that are capped
  for (std::size_t i = kept.size(); i > 0; --i) {
    if (missing <= 0.0) break;
    const double factor = std::log(missing) - log_sums[i - 1];
    if (factor + kept[i - 1].log_weight <= std::log(cap)) return factor;
    missing -= cap * kept[i - 1].probability;
  }
  return std::numeric_limits<double>::infinity();
}

/// 1/p up to a factor, capped, and 0 beyond the last τ; with the factor that keeps the mean in spite of both, so that a
/// single τ of long ago, against which the law weighs most, takes nothing from all others.
ScaleTable against(const StalenessLaw& law, const Distribution& distribution, const StepContext& context, double cap,
                   Tau last) {
  std::vector<Weighted> kept;
  for (Tau tau = 0; tau < distribution.counts().size() && tau <= last; ++tau)
    if (distribution.counts()[tau] != 0)
      kept.push_back({distribution.probability(tau), -law.log_weight(static_cast<double>(tau))});
  if (kept.empty())
    invalid_argument(
        "last must be at least the smallest staleness of the sample, since all beyond it is rejected; got ", last,
        " and a mean staleness of ", distribution.mean());
  const double factor = log_factor(std::move(kept), cap);
  const auto scale = [&](double tau) {
    return tau > static_cast<double>(last) ? 0.0 : std::min(cap, std::exp(factor - law.log_weight(tau)));
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
