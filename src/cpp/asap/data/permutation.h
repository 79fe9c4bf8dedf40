// A seeded order of 0 … n−1 that is computed, not stored: workers anywhere in any epoch ask for any position of it.
//
// A Feistel network permutes the numbers below the next power of two; values ≥ n are permuted again until they fall
// below n (cycle walking, fewer than two steps on average). No memory, no allocation, wait-free.
#pragma once

#include <bit>
#include <cstdint>

namespace asap {

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): spreads every input bit over the output.
constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// A permutation of 0 … size−1, chosen by the key. Immutable; thread-safe.
class Permutation {
 public:
  constexpr Permutation(std::uint64_t size, std::uint64_t key)
      : size_(size), key_(mix_bits(key + 0x9e3779b97f4a7c15u)) {
    const auto bits = static_cast<unsigned>(size > kMinSize ? std::bit_width(size - 1) : std::bit_width(kMinSize - 1));
    low_bits_ = bits / 2;
    high_bits_ = bits - low_bits_;
  }

  /// The element at `position` < size.
  constexpr std::uint64_t operator()(std::uint64_t position) const {
    do position = shuffle(position);
    while (position >= size_);
    return position;
  }

 private:
  static constexpr std::uint64_t kMinSize = 64;  // a network on fewer values is not random enough
  static constexpr int kRounds = 8;              // even, so that the two halves end where they began

  constexpr std::uint64_t shuffle(std::uint64_t x) const {
    unsigned left_bits = high_bits_, right_bits = low_bits_;
    std::uint64_t left = x >> right_bits, right = x & mask(right_bits);
    for (int round = 0; round < kRounds; ++round) {
      const std::uint64_t mixed =
          left ^ (mix_bits(key_ + (right << 8) + static_cast<unsigned>(round)) & mask(left_bits));
      left = right;
      right = mixed;
      const unsigned swapped = left_bits;
      left_bits = right_bits;
      right_bits = swapped;
    }
    return left << right_bits | right;
  }
  static constexpr std::uint64_t mask(unsigned bits) { return (std::uint64_t{1} << bits) - 1; }

  std::uint64_t size_, key_;
  unsigned low_bits_ = 0, high_bits_ = 0;
};

}  // namespace asap
