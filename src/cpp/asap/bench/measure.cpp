#include "asap/bench/measure.h"

#include <memory>

#include "asap/bench/yardstick.h"

namespace asap::bench {
namespace {

/// Measures for at least so many seconds how long a call would take at the limit.
using Yardstick = std::function<double(double)>;

Yardstick yardstick(const Work& work) {
  if (work.flops > 0)
    return [flops = work.flops](double seconds) { return flops * 1e-9 / fma_peak(kernels::active(), seconds); };
  return [passes = std::make_shared<BestPasses>(work)](double seconds) { return passes->seconds(seconds); };
}

}  // namespace

Result measure(const Case& work, const Effort& effort) {
  const Prepared prepared = work.prepare();
  const Yardstick limit = yardstick(prepared.work);
  std::vector<double> seconds, limits, shares;
  for (std::size_t round = 0; round < effort.rounds; ++round) {
    limits.push_back(limit(effort.seconds / 4));
    seconds.push_back(seconds_per_call(prepared.run, effort.seconds));
    shares.push_back(limits.back() / seconds.back());
  }
  const bool computes = prepared.work.flops > 0;
  const double amount = (computes ? prepared.work.flops : prepared.work.bytes()) * 1e-9;
  const double time = median(seconds), least = median(limits);
  return {.name = work.name,
          .unit = computes ? "GFLOP/s" : "GB/s",
          .seconds = time,
          .rate = amount / time,
          .limit = amount / least,
          .share = median(shares)};
}

}  // namespace asap::bench
