#include "asap/sim/schedule.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace asap::sim {
namespace {

/// Whether it completed an update, alone or with the others of a synchronous round.
bool is_in_round(const TraceRecord& record) {
  return record.outcome == Outcome::published || record.outcome == Outcome::merged;
}

}  // namespace

Schedule::Schedule(std::span<const TraceRecord> records, std::size_t workers) : records_(records) {
  settled_.resize(records.size());
  std::iota(settled_.begin(), settled_.end(), 0);
  const auto place = [&](std::uint64_t index) {
    const TraceRecord& record = records[index];
    return is_in_round(record) ? std::tuple(record.replaced, 1u, std::uint64_t{record.worker})
                               : std::tuple(record.replaced, 0u, index);
  };
  std::sort(settled_.begin(), settled_.end(), [&](auto a, auto b) { return place(a) < place(b); });
  order_readers(workers);
}

/// Behind the records that are settled together with this one.
std::size_t Schedule::end_of(std::size_t place) const {
  const TraceRecord& first = records_[settled_[place]];
  std::size_t end = place + 1;
  if (!is_in_round(first)) return end;
  while (end < settled_.size() && records_[settled_[end]].replaced == first.replaced) ++end;
  return end;
}

void Schedule::order_readers(std::size_t workers) {
  std::vector<std::size_t> of_version{0}, of_worker(workers);  // the places from which they may read
  for (std::size_t place = 0; place < settled_.size(); place = end_of(place))
    if (is_in_round(records_[settled_[place]])) of_version.push_back(end_of(place));
  for (std::size_t place = 0; place < settled_.size(); ++place) {
    const TraceRecord& record = records_[settled_[place]];
    readers_.push_back({std::max(of_version[record.read], of_worker[record.worker]), settled_[place]});
    of_worker[record.worker] = place + 1;
  }
  std::stable_sort(readers_.begin(), readers_.end(),
                   [](const Reader& a, const Reader& b) { return a.place < b.place; });
}

}  // namespace asap::sim
