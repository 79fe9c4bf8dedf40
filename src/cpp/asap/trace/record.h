// What a trace holds: one record per gradient, whatever became of it. The layout is that of trace files
// (docs/trace.md).
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "asap/store/store.h"

namespace asap {

/// One gradient and what became of it. `replaced` and `scale` belong to the last attempt to publish it.
struct TraceRecord {
  std::uint64_t batch;     ///< number of the batch; with the seed it says which samples
  Version read;            ///< the version the gradient was computed on
  Version replaced;        ///< the version it replaced or, not published, would have replaced: its place in the order
  double scale;            ///< C(τ) as applied
  std::uint32_t attempts;  ///< tries to publish; the largest number stands for more
  std::uint16_t worker;
  Outcome outcome;  ///< never `retry`
  std::uint8_t unused;

  Tau tau() const { return replaced - read; }
  /// Gathered ones only if the update was completed: if its version was replaced.
  bool changed_parameters() const {
    return outcome == Outcome::published || outcome == Outcome::merged || outcome == Outcome::gathered;
  }
};

static_assert(std::is_trivial_v<TraceRecord> && sizeof(TraceRecord) == 40, "this is the layout of trace files");

inline TraceRecord trace_record(std::uint64_t batch, std::uint16_t worker, const Receipt& receipt) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
  return {.batch = batch,
          .read = receipt.read,
          .replaced = receipt.replaced,
          .scale = receipt.scale,
          .attempts = static_cast<std::uint32_t>(std::min(receipt.attempts, kMost)),
          .worker = worker,
          .outcome = receipt.outcome,
          .unused = 0};
}

/// Where records go, block by block: each worker's in its own order, the workers' blocks as they were filled.
class TraceSink {
 public:
  virtual ~TraceSink() = default;
  virtual void write(std::span<const TraceRecord> records) = 0;  ///< one call at a time; throws when it cannot
};

/// Keeps them in memory, which grows with the run.
struct TraceMemory final : TraceSink {
  void write(std::span<const TraceRecord> more) override { records.insert(records.end(), more.begin(), more.end()); }
  std::vector<TraceRecord> records;
};

}  // namespace asap
