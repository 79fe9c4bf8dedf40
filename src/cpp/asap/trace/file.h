// A sink on disk: records as they are in memory, one after the other, without a header.
#pragma once

#include "asap/trace/record.h"

namespace asap {

/// Appends to an open file, which stays the caller's.
class TraceFile final : public TraceSink {
 public:
  explicit TraceFile(int descriptor) : descriptor_(descriptor) {}

  /// Throws std::system_error when the system refuses (a full disk).
  void write(std::span<const TraceRecord> records) override;

 private:
  int descriptor_;
};

}  // namespace asap
