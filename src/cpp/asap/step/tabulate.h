// Tables of functions of τ.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "asap/staleness/histogram.h"
#include "asap/step/scale_table.h"

namespace asap {

/// C(0) … C(kTauBins − 1): as far as threads tell staleness apart; of very many workers, which are simulated, C(8m −
/// 1).
template <class Function>
ScaleTable tabulate(Function scale, std::size_t workers = 1) {
  std::vector<double> entries(std::max(kTauBins, 8 * workers));
  for (std::size_t tau = 0; tau < entries.size(); ++tau) entries[tau] = scale(static_cast<double>(tau));
  return ScaleTable(std::move(entries));
}

}  // namespace asap
