// Which scale tables an execution had, in bounded memory.
#pragma once

#include <cstdint>
#include <vector>

#include "asap/core/types.h"
#include "asap/staleness/distribution.h"

namespace asap {

/// A scale table, when it came into force, and what it was built from.
struct TableRecord {
  std::uint64_t number = 0;  ///< of the table, the first one of an execution being 0
  Version version = 0;       ///< in force from this update on
  std::vector<double> entries;
  Distribution seen;  ///< τ, or weights of τ; empty where the table was made before anything was known
};

/// What a table does to the distribution that it was built from.
struct TableFigures {
  std::uint64_t number = 0;
  Version version = 0;
  double mean_tau = 0;     ///< τ̄
  double mean_scale = 0;   ///< E[C]
  double mean_square = 0;  ///< E[C²]
};

/// The first kMostTables tables and kMostFigures figures all; from then on every second, fourth, … one and the last,
/// so that there are never more.
struct TableLog {
  static constexpr std::uint64_t kMostTables = 64, kMostFigures = 1024;

  std::vector<TableRecord> tables;    ///< the last one is in force
  std::vector<TableFigures> figures;  ///< of tables that were built from something

  void add(Version version, std::vector<double> entries, const Distribution& seen);
};

}  // namespace asap
