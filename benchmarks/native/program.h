// What the benchmark programs share: arguments, output, exit status.
//
//   [ASAP_ISA=…] <program> [--json FILE] [part of a name …]     cases whose names contain one of the parts, or all
//   <program> --benchmark_filter=… and the like                 the same cases under Google Benchmark, if it was found
//
// Status: 0; 1 after a wrong answer; 2 for bad arguments.
#pragma once

#include "asap/bench/measure.h"

namespace bench {

using asap::bench::Case;
using asap::bench::Cases;
using asap::bench::Effort;
using asap::bench::Result;
using Results = std::vector<Result>;

struct Program {
  std::string title;
  Cases cases;
  Effort effort = {};
  std::function<void(const Results&)> conclude = [](const Results&) {};  ///< prints what follows from all results
};

int run(const Program& program, int argc, char** argv);

/// Hands the cases to Google Benchmark, which measures without yardsticks.
void run_google_benchmark(const Cases& cases, int argc, char** argv);

}  // namespace bench
