// A recorded schedule: in which order the gradients of a traced run read and published.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "asap/trace/record.h"

namespace asap::sim {

/// The gradients of a trace in the order in which their fates were settled. Where the trace leaves an order open,
/// because gradients that were dropped, rejected or gathered left no version behind, they come before the update of the
/// version they met, as they stand in the trace, and reads are as early as they may be: after the update whose version
/// was read, and after what the worker did before. Memory: 24 bytes per record.
class Schedule {
 public:
  /// Of a possible history (check_trace) that began at version 0.
  Schedule(std::span<const TraceRecord> records, std::size_t workers);

  /// Calls `read(record)` and `settle(first, last)` in their order until `goes()` is false; the records of a
  /// synchronous round, in the order of workers, are settled together, every other one alone.
  template <class Goes, class Read, class Settle>
  void walk(Goes&& goes, Read&& read, Settle&& settle) const {
    std::size_t reader = 0, place = 0;
    while (goes() && place < settled_.size()) {
      for (; reader < readers_.size() && readers_[reader].place <= place; ++reader)
        read(records_[readers_[reader].record]);
      const std::size_t end = end_of(place);
      settle(std::span(settled_).subspan(place, end - place));
      place = end;
    }
  }

  const TraceRecord& operator[](std::uint64_t index) const { return records_[index]; }

 private:
  struct Reader {
    std::size_t place;  // of settled_ before which it reads
    std::uint64_t record;
  };

  std::size_t end_of(std::size_t place) const;
  void order_readers(std::size_t workers);

  const std::span<const TraceRecord> records_;
  std::vector<std::uint64_t> settled_;
  std::vector<Reader> readers_;
};

}  // namespace asap::sim
