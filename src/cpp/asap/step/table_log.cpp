#include "asap/step/table_log.h"

#include <bit>

#include "asap/framework/properties.h"

namespace asap {
namespace {

/// Appends a record; leaves at most `most` and the last one, evenly spaced by their numbers.
template <class Record>
void append(std::vector<Record>& records, Record next, std::uint64_t most) {
  const std::uint64_t last = next.number, distance = std::bit_ceil(last / most + 1);
  records.push_back(std::move(next));
  std::erase_if(records, [&](const Record& record) { return record.number % distance != 0 && record.number != last; });
}

}  // namespace

void TableLog::add(Version version, std::vector<double> entries, const Distribution& seen) {
  const std::uint64_t number = tables.empty() ? 0 : tables.back().number + 1;
  if (!seen.empty()) {
    const framework::Properties found = framework::properties_of(entries, seen);
    const TableFigures next{number, version, found.mean_staleness, found.mean, found.second_moment};
    append(figures, next, kMostFigures);
  }
  append(tables, TableRecord{number, version, std::move(entries), seen}, kMostTables);
}

}  // namespace asap
