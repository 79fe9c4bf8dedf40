#include "asap/trace/check.h"

#include <cmath>
#include <numeric>
#include <string>

#include "asap/core/error.h"

namespace asap {
namespace {

using Records = std::span<const TraceRecord>;
using Indices = std::vector<std::uint64_t>;

template <class... Parts>
[[noreturn]] void impossible(Records records, std::uint64_t index, const Parts&... parts) {
  const TraceRecord& record = records[index];
  invalid_argument("the trace is no possible history: record ", index, " (worker ", record.worker, ", batch ",
                   record.batch, ") ", parts...);
}

void check_alone(Records records, std::uint64_t index, std::size_t workers, Version first) {
  const TraceRecord& record = records[index];
  if (record.worker >= workers) impossible(records, index, "belongs to none of ", workers, " workers");
  switch (record.outcome) {
    case Outcome::published:
    case Outcome::merged:
    case Outcome::gathered:
    case Outcome::dropped:
    case Outcome::rejected:
      break;
    default:
      impossible(records, index, "has the unknown outcome ", static_cast<int>(record.outcome));
  }
  if (record.read < first || record.replaced < record.read)
    impossible(records, index, "read version ", record.read, " and replaced ", record.replaced,
               " in a run that began at ", first);
  const bool rejected = record.outcome == Outcome::rejected;
  if (!(record.scale >= 0.0 && std::isfinite(record.scale)) || (record.scale == 0.0) != rejected)
    impossible(records, index, rejected ? "was rejected" : "was not rejected", " with C = ", record.scale);
  if (record.attempts == 0 && (record.outcome == Outcome::published || record.outcome == Outcome::dropped))
    impossible(records, index, "was never tried");
}

/// A worker's records are in its order: each reads at least what the one before left behind.
void check_workers(Records records, std::size_t workers, Version first) {
  std::vector<Version> reached(workers, first);
  for (std::uint64_t i = 0; i < records.size(); ++i) {
    const TraceRecord& record = records[i];
    if (record.read < reached[record.worker])
      impossible(records, i, "read version ", record.read, " after its worker had been at ", reached[record.worker]);
    const bool replaced = record.outcome == Outcome::published || record.outcome == Outcome::merged;
    reached[record.worker] = record.replaced + (replaced ? 1 : 0);
  }
}

void check_batches(Records records) {
  Indices order(records.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return records[a].batch < records[b].batch; });
  const auto twice = std::adjacent_find(order.begin(), order.end(),
                                        [&](auto a, auto b) { return records[a].batch == records[b].batch; });
  if (twice != order.end()) impossible(records, *twice, "has the batch of record ", *std::next(twice), ", too");
}

/// The records of published updates, in their order.
Indices published(Records records) {
  Indices order;
  for (std::uint64_t i = 0; i < records.size(); ++i)
    if (records[i].outcome == Outcome::published) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return records[a].replaced < records[b].replaced; });
  return order;
}

void check_versions(Records records, const Indices& updates, Version first) {
  for (std::uint64_t i = 0; i < updates.size(); ++i) {
    const Version replaced = records[updates[i]].replaced, expected = first + i;
    if (replaced < expected)
      impossible(records, updates[i], "replaced version ", replaced, ", as record ", updates[i - 1], " did");
    if (replaced > expected)
      impossible(records, updates[i], "replaced version ", replaced, ", but nobody replaced ", expected);
  }
}

void check_others(Records records, const Indices& updates, Version first) {
  for (std::uint64_t i = 0; i < records.size(); ++i) {
    const TraceRecord& record = records[i];
    if (record.replaced > first + updates.size())
      impossible(records, i, "met version ", record.replaced, " of ", first + updates.size());
    if (record.outcome != Outcome::merged) continue;
    const bool exists = record.replaced < first + updates.size();
    if (!exists || record.tau() != 0 || records[updates[record.replaced - first]].scale != record.scale ||
        records[updates[record.replaced - first]].tau() != 0)
      impossible(records, i, "was merged into an update that is not of its round");
  }
}

}  // namespace

void check_trace(Records records, std::size_t workers, Version first) {
  for (std::uint64_t i = 0; i < records.size(); ++i) check_alone(records, i, workers, first);
  check_workers(records, workers, first);
  check_batches(records);
  const Indices updates = published(records);
  check_versions(records, updates, first);
  check_others(records, updates, first);
}

}  // namespace asap
