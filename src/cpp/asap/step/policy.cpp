#include "asap/step/policy.h"

#include <cmath>

#include "asap/core/error.h"
#include "asap/staleness/histogram.h"

namespace asap {

void check(const SampleWindow& sample) {
  if (sample.first >= sample.last)
    invalid_argument("sample must be (first, last) with first < last, in updates per worker; got (", sample.first, ", ",
                     sample.last, ")");
}

namespace policy {
namespace {

constexpr double kFleetQuantile = 0.997;

/// A table of C(0) … C(kTauBins − 1): closed forms go as far as staleness is told apart.
template <class Function>
ScaleTable tabulate(Function scale) {
  std::vector<double> entries(kTauBins);
  for (std::size_t tau = 0; tau < kTauBins; ++tau) entries[tau] = scale(static_cast<double>(tau));
  return ScaleTable(std::move(entries));
}

/// A policy of τ alone.
template <class Function>
Policy closed_form(std::string name, Function scale) {
  return {std::move(name), [scale](const Distribution&, const StepContext&) { return tabulate(scale); }, std::nullopt};
}

ScaleTable exponential(double threshold) {
  const double beta = 2.0 / threshold * std::log1p(threshold / 2.0);
  return tabulate([beta](double tau) { return std::exp(-beta * tau); });
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
  entries.push_back(1.0 - amplitude);
  return ScaleTable(std::move(entries));
}

}  // namespace

Policy constant() {
  return {"constant", [](const Distribution&, const StepContext&) { return ScaleTable({1.0}); }, std::nullopt};
}

Policy inverse() {
  return closed_form("inverse", [](double tau) { return tau < 1.0 ? 1.0 : 1.0 / tau; });
}

Policy inverse_plus_one() {
  return closed_form("inverse-plus-one", [](double tau) { return 1.0 / (tau + 1.0); });
}

Policy fleet(std::optional<double> threshold, SampleWindow sample) {
  if (threshold) {
    if (!(*threshold > 0.0 && std::isfinite(*threshold)))
      invalid_argument("threshold must be a finite number above 0; got ", *threshold);
    return {"fleet", [t = *threshold](const Distribution&, const StepContext&) { return exponential(t); },
            std::nullopt};
  }
  check(sample);
  const auto table = [](const Distribution& distribution, const StepContext& context) {
    if (distribution.empty()) return exponential(static_cast<double>(context.workers) + 1.0);
    return exponential(std::max(1.0, static_cast<double>(distribution.quantile(kFleetQuantile))));
  };
  return {"fleet", table, sample};
}

Policy tail_tau(double amplitude, Cdf cdf, SampleWindow sample) {
  if (!(amplitude >= 0.0 && amplitude <= 1.0)) invalid_argument("amplitude must be in [0, 1]; got ", amplitude);
  check(sample);
  const auto table = [=](const Distribution& distribution, const StepContext&) {
    return distribution.empty() ? ScaleTable({1.0}) : tail(distribution, amplitude, cdf);
  };
  return {"tail", table, sample};
}

Policy fixed(std::vector<double> entries) {
  return {"table", [table = ScaleTable(std::move(entries))](const Distribution&, const StepContext&) { return table; },
          std::nullopt};
}

}  // namespace policy

}  // namespace asap
