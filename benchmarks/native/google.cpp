// The cases under Google Benchmark: its filters, repetitions and reporters, without % of a limit.
#include <benchmark/benchmark.h>

#include "program.h"

namespace bench {
namespace {

void measure(benchmark::State& state, const Case& work) {
  const asap::bench::Prepared prepared = work.prepare();
  for (auto _ : state) prepared.run();
  const auto rate = [](double amount) {
    return benchmark::Counter(amount, benchmark::Counter::kIsIterationInvariantRate);
  };
  if (prepared.work.flops > 0)
    state.counters["FLOP/s"] = rate(prepared.work.flops);
  else
    state.counters["B/s"] = rate(prepared.work.bytes());
}

}  // namespace

void run_google_benchmark(const Cases& cases, int argc, char** argv) {
  for (const Case& each : cases)
    benchmark::RegisterBenchmark(each.name.c_str(), [each](benchmark::State& state) { measure(state, each); });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}

}  // namespace bench
