#include "asap/bench/case.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "asap/core/rng.h"

namespace asap::bench {

double Work::bytes() const {
  std::size_t streams = 0;
  for (const Pass& pass : passes) streams += pass.mix.reads + 2 * pass.mix.updates + pass.mix.writes;
  return static_cast<double>(streams * floats * sizeof(float));
}

std::size_t Work::num_arrays() const {
  std::size_t last = 0;
  for (const Pass& pass : passes) last = std::max(last, *std::ranges::max_element(pass.arrays));
  return last + 1;
}

Work pass(kernels::StreamMix mix, std::size_t floats) {
  std::vector<std::size_t> arrays(mix.reads + mix.updates + mix.writes);
  std::iota(arrays.begin(), arrays.end(), 0);
  return {.floats = floats, .passes = {{mix, std::move(arrays)}}};
}

void expect_close(const std::string& what, std::span<const float> actual, std::span<const float> expected,
                  double bound) {
  double squares = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    squares += std::pow(static_cast<double>(actual[i]) - static_cast<double>(expected[i]), 2);
    norm += std::pow(static_cast<double>(expected[i]), 2);
  }
  if (std::sqrt(squares) <= bound * std::sqrt(norm)) return;
  throw WrongAnswer(what + " is wrong: its error has norm " + std::to_string(std::sqrt(squares)) + ", the answer " +
                    std::to_string(std::sqrt(norm)));
}

AlignedBuffer<float> normal(std::size_t size, std::uint64_t seed) {
  Rng rng(seed, Stream::tests);
  AlignedBuffer<float> buffer(size);
  for (float& value : buffer.span()) value = static_cast<float>(rng.normal());
  return buffer;
}

}  // namespace asap::bench
