#include "asap/staleness/forgetting.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace asap {
namespace {

/// These have an open-ended last bin if one of those that they came from has it there.
Distribution with_end_of(std::initializer_list<const Distribution*> sources, std::vector<std::uint64_t> counts) {
  const auto reaches_its_end = [&](const Distribution* source) {
    return source->is_open_ended() && counts[source->max_tau()] > 0;
  };
  const bool open_ended = std::any_of(sources.begin(), sources.end(), reaches_its_end);
  return Distribution(std::move(counts), open_ended ? LastBin::open_ended : LastBin::one_tau);
}

}  // namespace

Distribution since(const Distribution& before, const Distribution& now) {
  std::vector<std::uint64_t> counts(now.counts().begin(), now.counts().end());
  for (Tau tau = 0; tau < before.counts().size(); ++tau) counts[tau] -= before.counts()[tau];
  return with_end_of({&now}, std::move(counts));
}

Distribution forget(const Distribution& weights, const Distribution& fresh, double half_life) {
  const double kept = std::exp2(-static_cast<double>(fresh.total()) / half_life);
  std::vector<std::uint64_t> sum(std::max(weights.counts().size(), fresh.counts().size()));
  for (Tau tau = 0; tau < weights.counts().size(); ++tau)
    sum[tau] = static_cast<std::uint64_t>(kept * static_cast<double>(weights.counts()[tau]));
  for (Tau tau = 0; tau < fresh.counts().size(); ++tau) sum[tau] += kFreshWeight * fresh.counts()[tau];
  return with_end_of({&weights, &fresh}, std::move(sum));
}

}  // namespace asap
