// Yardsticks: how fast this processor could do a piece of work at best, measured here and now.
#pragma once

#include <ctime>

#include "asap/bench/case.h"

namespace asap::bench {

/// Seconds of processor time of this thread: on a busy machine waiting for a processor does not count.
inline double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Seconds per call of f, measured once for at least `seconds`.
template <class Function>
double seconds_per_call(Function&& f, double seconds) {
  for (std::size_t calls = 1;; calls *= 2) {
    const double start = now();
    for (std::size_t i = 0; i < calls; ++i) f();
    const double elapsed = now() - start;
    if (elapsed >= seconds) return elapsed / static_cast<double>(calls);
  }
}

double median(std::vector<double> values);

/// GFLOP/s of independent multiply-adds in registers on one core, measured for at least `seconds`.
double fma_peak(const kernels::Table& table, double seconds);

/// The passes of a piece of work, over arrays of the same number and size, done by the best of many simple loops: every
/// instruction set and form of Table::stream, and for copies memcpy and the processor's string move.
class BestPasses {
 public:
  explicit BestPasses(const Work& work);  ///< finds the best loop, in about 0.1 s
  BestPasses(const BestPasses&) = delete;

  /// Seconds of all passes, measured for at least `seconds`.
  double seconds(double seconds) const;

 private:
  using Loop = std::function<void()>;

  std::vector<Loop> loops(const Work& work) const;

  std::size_t n_;
  AlignedBuffer<float> memory_;
  std::vector<std::vector<float*>> arrays_;  ///< of each pass
  Loop best_;
};

}  // namespace asap::bench
