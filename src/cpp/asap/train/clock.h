// The clock of a run.
#pragma once

#include <chrono>

namespace asap {

/// Seconds since it was (re)started, behind those of the parts before.
class Clock {
 public:
  explicit Clock(double before) : before_(before) {}
  void restart() { start_ = std::chrono::steady_clock::now(); }
  double seconds() const {
    return before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  const double before_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace asap
