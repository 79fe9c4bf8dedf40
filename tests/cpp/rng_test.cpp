#include "asap/core/rng.h"

#include <cstdint>
#include <vector>

#include "check.h"

using asap::philox4x32;
using asap::Rng;
using asap::Stream;

// Known answers published with the paper's own implementation: counters and keys of zeros, of ones, and of the digits
// of π.
static_assert(philox4x32({0, 0, 0, 0}, {0, 0}) == asap::PhiloxCounter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              asap::PhiloxCounter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              asap::PhiloxCounter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

namespace {

std::vector<std::uint32_t> draw(Rng rng, int count) {
  std::vector<std::uint32_t> words;
  for (int i = 0; i < count; ++i) words.push_back(rng.bits());
  return words;
}

constexpr int kDraws = 200000;

/// The mean of f over the draws.
template <class Draw>
double mean(Draw next) {
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) sum += next();
  return sum / kDraws;
}

/// Five standard errors of a mean of `kDraws` values of that deviation.
double five_errors(double deviation) { return 5 * deviation / std::sqrt(kDraws); }

}  // namespace

TEST(a_sequence_is_the_blocks_of_consecutive_counters) {
  const std::uint64_t seed = 0x0123456789abcdef;
  std::vector<std::uint32_t> expected;
  for (std::uint32_t block = 0; block < 5; ++block)
    for (const auto word : philox4x32({block, 0, 7, 1}, {0x89abcdef, 0x01234567})) expected.push_back(word);
  CHECK(draw(Rng(seed, Stream::tests, 7), 20) == expected);
}

TEST(seed_stream_and_index_each_give_another_sequence) {
  const auto words = draw(Rng(1, Stream::tests, 2), 8);
  CHECK(words == draw(Rng(1, Stream::tests, 2), 8));
  CHECK(words != draw(Rng(2, Stream::tests, 2), 8));
  CHECK(words != draw(Rng(1 + (std::uint64_t{1} << 32), Stream::tests, 2), 8));
  CHECK(words != draw(Rng(1, Stream::initial_values, 2), 8));
  CHECK(words != draw(Rng(1, Stream::tests, 3), 8));
}

TEST(uniform_values_lie_in_the_unit_interval_with_its_moments) {
  Rng rng(1, Stream::tests);
  bool inside = true;
  const double first = mean([&] {
    const double value = rng.uniform();
    inside = inside && value >= 0 && value < 1;
    return value;
  });
  const double second = mean([&] { return std::pow(rng.uniform(), 2); });
  CHECK(inside);
  CHECK_NEAR(first, 1.0 / 2, five_errors(std::sqrt(1.0 / 12)));
  CHECK_NEAR(second, 1.0 / 3, five_errors(std::sqrt(4.0 / 45)));
}

TEST(normal_values_have_the_moments_of_the_normal_law) {
  Rng rng(2, Stream::tests);
  CHECK_NEAR(mean([&] { return rng.normal(); }), 0, five_errors(1));
  CHECK_NEAR(mean([&] { return std::pow(rng.normal(), 2); }), 1, five_errors(std::sqrt(2.0)));
  CHECK_NEAR(mean([&] { return std::pow(rng.normal(), 3); }), 0, five_errors(std::sqrt(15.0)));
  CHECK_NEAR(mean([&] { return std::pow(rng.normal(), 4); }), 3, five_errors(std::sqrt(96.0)));
  CHECK_NEAR(mean([&] { return std::abs(rng.normal()) > 2 ? 1.0 : 0.0; }), 0.0455003, five_errors(0.2084));
}

TEST(consecutive_normal_values_are_uncorrelated) {
  Rng rng(3, Stream::tests);
  double last = rng.normal();
  CHECK_NEAR(mean([&] {
               const double before = last;
               return before * (last = rng.normal());
             }),
             0, five_errors(1));
}
