// Random choices for tests of random runs: the same from the same seed.
#pragma once

#include <initializer_list>

#include "asap/core/rng.h"
#include "asap/step/policy.h"

namespace asap {

class Dice {
 public:
  /// `set`: dice of other sets fall differently from the same seed.
  explicit Dice(std::uint64_t seed, std::uint32_t set = 0) : rng_(seed, Stream::tests, set) {}
  std::uint64_t below(std::uint64_t n) { return rng_.bits64() % n; }
  std::uint64_t within(std::uint64_t first, std::uint64_t last) { return first + below(last - first + 1); }
  bool once_in(std::uint64_t n) { return below(n) == 0; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

 private:
  Rng rng_;
};

/// A policy of any kind; those that sample do so in a window that begins within `starts` updates per worker and has at
/// most `longest`.
inline Policy random_policy(Dice& dice, std::uint64_t starts, std::uint64_t longest) {
  const std::uint64_t first = dice.below(starts);
  const SampleWindow sample{first, first + dice.within(1, longest)};
  switch (dice.below(6)) {
    case 0:
      return policy::constant();
    case 1:
      return policy::inverse_plus_one();
    case 2:
      return policy::fixed({1.0, 0.5, 0.0});
    case 3:
      return policy::fixed({0.25, 0.0, 1.0});
    case 4:
      return policy::fleet(std::nullopt, sample);
    default:
      return policy::tail_tau(1.0, Cdf::mid, sample);
  }
}

}  // namespace asap
