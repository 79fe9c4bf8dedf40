// Compiled for the machine at hand (-march=native): the only purpose is to find out what it can do.
#include "fma_peak.h"

#include <cstddef>

#include "timing.h"

namespace bench {
namespace {

#if defined(__AVX512F__)
constexpr std::size_t kLanes = 16, kChains = 24;
#elif defined(__AVX__)
constexpr std::size_t kLanes = 8, kChains = 12;
#else
constexpr std::size_t kLanes = 4, kChains = 12;
#endif
constexpr std::size_t kRounds = 10000;

typedef float Vec __attribute__((vector_size(kLanes * sizeof(float))));

/// kRounds multiply-adds on each of kChains chains, which do not wait for each other.
float multiply_add_chains(float start) {
  Vec chains[kChains], factor = start - Vec{}, term = factor;
  for (auto& chain : chains) chain = factor;
  for (std::size_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 32
    for (std::size_t i = 0; i < kChains; ++i) chains[i] = chains[i] * factor + term;
  }
  float total = 0;
  for (const auto& chain : chains) total += chain[0];
  return total;
}

}  // namespace

double measure_fma_peak(double seconds) {
  volatile float start = 0.5f, sink = 0;
  const double per_call = seconds_per_call([&] { sink = multiply_add_chains(start); }, seconds);
  return 2.0 * kLanes * kChains * kRounds / per_call * 1e-9;
}

}  // namespace bench
