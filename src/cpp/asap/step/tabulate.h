// Tables of functions of τ, and how far they go.
#pragma once

#include <algorithm>
#include <vector>

#include "asap/staleness/histogram.h"
#include "asap/step/policy.h"

namespace asap {

/// Up to where a scale of τ is of one kind: a table that ended before would never show what comes then.
struct Turn {
  Tau at = 0;
  bool is_last = false;  ///< whether C(τ) = C(at) for all τ beyond
};

/// Turns are worth a table of so many entries (8 MiB). Nobody on threads is overtaken by more updates than that.
inline constexpr Tau kFarthestTurn = Tau{1} << 20;

/// C(0) … C(K) with K beyond everything that the distribution has, what threads tell apart, 8m − 1 for m workers, and
/// `context.reach`; and as far beyond a turn as else beyond 0. Threads, who cannot wait for a longer table, take C(K)
/// for τ > K; a simulation, where any τ may be met, asks for a longer one (step/adaptation.h).
template <class Function>
ScaleTable tabulate(Function scale, const Distribution& seen, const StepContext& context, Turn turn = {}) {
  const Tau usual = std::max<Tau>({kTauBins - 1, 8 * context.workers - 1, seen.max_tau() + 1, context.reach});
  const bool turns = turn.at <= std::max(usual, kFarthestTurn);
  const Tau last = !turns ? usual : turn.is_last ? turn.at : turn.at + usual;
  std::vector<double> entries(last + 1);
  for (Tau tau = 0; tau <= last; ++tau) entries[tau] = scale(static_cast<double>(tau));
  return ScaleTable(std::move(entries), turns && turn.is_last ? ScaleTable::kEverywhere : last);
}

}  // namespace asap
