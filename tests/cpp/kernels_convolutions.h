// The convolutions, sample counts and values that the tests of convolution kernels go through.
#pragma once

#include <sstream>

#include "kernels_support.h"

namespace kernels_support {

using asap::kernels::Convolution;

inline std::string describe(const char* kernel, const Convolution& c, std::size_t samples, const Table& table) {
  std::ostringstream text;
  text << table.name << " " << kernel << " channels=" << c.channels << " height=" << c.height << " width=" << c.width
       << " filters=" << c.filters << " window=" << c.window << " samples=" << samples;
  return text.str();
}

/// Sample counts that give 1, 2 and 3 groups, full and ragged.
inline std::vector<std::size_t> sample_counts(std::size_t lanes) { return {1, lanes, lanes + 1, 3 * lanes - 1}; }

/// Small images whose sides leave every kind of rest behind the tiles, for one window.
inline std::vector<Convolution> convolutions(std::size_t window) {
  std::vector<Convolution> all;
  for (const std::size_t channels : {1u, 2u, 3u, 6u})
    for (const std::size_t filters : {1u, 2u, 5u, 6u, 7u, 16u})
      for (const std::size_t extra : {0u, 1u, 2u, 4u, 7u, 12u})
        all.push_back({channels, window + (extra * 3) % 5, window + extra, filters, window});
  return all;
}

template <class Check>
void for_each_convolution(Check check) {
  for (const std::size_t window : {1u, 2u, 3u, 4u, 5u, 7u, 11u}) {
    std::size_t turn = 0;
    for (const Convolution& c : convolutions(window))
      for (const Table* table : asap::kernels::available()) check(c, sample_counts(table->lanes)[turn++ % 4], *table);
  }
}

/// Values from a small set, so that most squares have several maxima.
inline std::vector<float> with_ties(std::size_t size, unsigned seed) {
  auto values = normal(size, seed);
  for (float& value : values) value = std::round(value);
  return values;
}

}  // namespace kernels_support
