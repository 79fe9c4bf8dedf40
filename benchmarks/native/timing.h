// How the micro-benchmarks take time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <vector>

namespace bench {

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

inline double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace bench
