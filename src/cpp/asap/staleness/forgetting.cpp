#include "asap/staleness/forgetting.h"

#include <algorithm>
#include <cmath>

namespace asap {

Distribution since(const Distribution& before, const Distribution& now) {
  std::vector<std::uint64_t> counts(now.counts().begin(), now.counts().end());
  for (Tau tau = 0; tau < before.counts().size(); ++tau) counts[tau] -= before.counts()[tau];
  return Distribution(std::move(counts));
}

Distribution forget(const Distribution& weights, const Distribution& fresh, double half_life) {
  const double kept = std::exp2(-static_cast<double>(fresh.total()) / half_life);
  std::vector<std::uint64_t> sum(std::max(weights.counts().size(), fresh.counts().size()));
  for (Tau tau = 0; tau < weights.counts().size(); ++tau)
    sum[tau] = static_cast<std::uint64_t>(kept * static_cast<double>(weights.counts()[tau]));
  for (Tau tau = 0; tau < fresh.counts().size(); ++tau) sum[tau] += kFreshWeight * fresh.counts()[tau];
  return Distribution(std::move(sum));
}

}  // namespace asap
