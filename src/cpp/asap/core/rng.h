// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", 2011).
//
// A number is a function of (seed, stream, index, counter) and of nothing else: streams need no common state, any
// thread can draw from any of them, and a stream does not depend on how much another one has drawn. Integers and
// uniform values are the same bits on every platform. normal() calls log, sin and cos of the platform's math library in
// double precision: between two libraries it may differ in the last bits of the double, which changes the value rounded
// to float about once in 10⁸ draws. Thread-safety: as plain values.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace asap {

using PhiloxCounter = std::array<std::uint32_t, 4>;
using PhiloxKey = std::array<std::uint32_t, 2>;

/// Four random words: ten rounds of the Philox bijection of `counter` under `key`.
constexpr PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product0)};
    key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
  }
  return counter;
}

/// What the numbers are for: each purpose has its own stream of a seed. A number once given is never changed.
enum class Stream : std::uint32_t {
  initial_values = 0,
  tests = 1,
  compute_times = 2,
  publish_times = 3,
  worker_speeds = 4
};

/// The sequence of random numbers of one (seed, stream, index); the index is a parameter, a worker …
class Rng {
 public:
  constexpr Rng(std::uint64_t seed, Stream stream, std::uint32_t index = 0)
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)},
        counter_{0, 0, index, static_cast<std::uint32_t>(stream)} {}

  /// 32 random bits.
  constexpr std::uint32_t bits() {
    if (unused_ == 0) refill();
    return block_[4 - unused_--];
  }

  /// 64 random bits.
  constexpr std::uint64_t bits64() {
    const std::uint64_t low = bits();
    return low | std::uint64_t{bits()} << 32;
  }

  /// Uniform in [0, 1), a multiple of 2⁻⁵³.
  constexpr double uniform() { return static_cast<double>(bits64() >> 11) * 0x1p-53; }

  /// Normal with mean 0 and variance 1 (Box and Muller 1958).
  double normal() {
    if (spare_ready_) return spare_ready_ = false, spare_;
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));  // 1 − uniform() is never 0
    const double angle = 2 * std::numbers::pi * uniform();
    spare_ = radius * std::sin(angle);
    spare_ready_ = true;
    return radius * std::cos(angle);
  }

 private:
  constexpr void refill() {
    block_ = philox4x32(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    unused_ = 4;
  }

  PhiloxKey key_;
  PhiloxCounter counter_;
  PhiloxCounter block_{};
  unsigned unused_ = 0;
  bool spare_ready_ = false;
  double spare_ = 0;
};

}  // namespace asap
