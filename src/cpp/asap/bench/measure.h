// Measuring a case in turns with its yardstick, because the clock rate and the load of a shared machine wander.
#pragma once

#include "asap/bench/case.h"

namespace asap::bench {

/// How long to measure: `rounds` pairs (yardstick, case), at least `seconds` for each case.
struct Effort {
  std::size_t rounds = 9;
  double seconds = 0.008;
};

/// Medians over the rounds. The limit is what the yardstick reached: the FMA peak of the instruction set in use, or the
/// best bandwidth of any loop with the same reads and writes of as much memory.
struct Result {
  std::string name;
  const char* unit = "";       ///< of rate and limit: "GFLOP/s" or "GB/s"
  double seconds = 0;          ///< processor time of a call
  double rate = 0, limit = 0;  ///< amount of work per second
  double share = 0;            ///< of the limit: the median of the rounds' shares
};

/// Prepares and measures. Throws WrongAnswer.
Result measure(const Case& work, const Effort& effort = {});

}  // namespace asap::bench
