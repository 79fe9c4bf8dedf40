// Tables of functions of τ.
#pragma once

#include <utility>
#include <vector>

#include "asap/staleness/histogram.h"
#include "asap/step/scale_table.h"

namespace asap {

/// C(0) … C(kTauBins − 1): as far as staleness is told apart.
template <class Function>
ScaleTable tabulate(Function scale) {
  std::vector<double> entries(kTauBins);
  for (std::size_t tau = 0; tau < kTauBins; ++tau) entries[tau] = scale(static_cast<double>(tau));
  return ScaleTable(std::move(entries));
}

}  // namespace asap
