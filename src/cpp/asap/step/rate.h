// The base rate η and its schedule over updates.
#pragma once

#include <cstdint>
#include "asap/core/types.h"

namespace asap {

/// η(t) at update number t. Immutable; thread-safe.
class Rate {
 public:
  /// η(t) = base.
  static Rate constant(double base);
  /// η(t) = base · factor^⌊t / every⌋.
  static Rate step(double base, double factor, std::uint64_t every);
  /// η(t) = final + (base − final)·(1 + cos(π·min(t/updates, 1)))/2 (Loshchilov and Hutter 2017, without restarts).
  static Rate cosine(double base, double final, std::uint64_t updates);

  double operator()(Version t) const;

 private:
  enum class Kind { constant, step, cosine };
  Rate(Kind kind, double base, double second, std::uint64_t period);

  Kind kind_;
  double base_, second_;
  std::uint64_t period_;
};

}  // namespace asap
