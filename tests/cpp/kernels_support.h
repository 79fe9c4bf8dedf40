// What the kernels' tests share: arrays with guard zones, random numbers, distances, and a lanes layout of their own.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

#include "asap/kernels/kernels.h"
#include "check.h"

namespace kernels_support {

using asap::kernels::Table;

/// Bit-for-bit equality, which takes NaN for equal to itself and 0 for different from −0.
inline bool same_bits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

/// `size` floats, 64-byte aligned plus `offset` floats, between guard zones of NaN. A kernel that reads a guard returns
/// NaN, one that writes it is seen by intact(), and AddressSanitizer, where it is on, reports both at once.
class Guarded {
 public:
  explicit Guarded(std::size_t size, std::size_t offset = 0)
      : storage_(size + offset + 3 * kGuard, canary()), size_(size) {
    const auto address = std::bit_cast<std::uintptr_t>(storage_.data());
    begin_ = (64 - address % 64) % 64 / sizeof(float) + kGuard + offset;
    poison();
  }
  Guarded(const std::vector<float>& values, std::size_t offset = 0) : Guarded(values.size(), offset) { *this = values; }
  Guarded& operator=(const std::vector<float>& values) {
    std::copy(values.begin(), values.end(), data());
    return *this;
  }
  Guarded(const Guarded& other) = delete;
  ~Guarded() { ASAN_UNPOISON_MEMORY_REGION(storage_.data(), storage_.size() * sizeof(float)); }

  float* data() { return storage_.data() + begin_; }
  const float* data() const { return storage_.data() + begin_; }
  std::size_t size() const { return size_; }
  float& operator[](std::size_t i) { return data()[i]; }
  float operator[](std::size_t i) const { return data()[i]; }
  std::vector<float> values() const { return {data(), data() + size_}; }

  bool intact() const {
    ASAN_UNPOISON_MEMORY_REGION(storage_.data(), storage_.size() * sizeof(float));
    for (std::size_t i = 0; i < storage_.size(); ++i)
      if ((i < begin_ || i >= begin_ + size_) && !same_bits(storage_[i], canary())) return false;
    poison();
    return true;
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static float canary() { return std::bit_cast<float>(std::uint32_t{0x7fc0dead}); }
  void poison() const {
    ASAN_POISON_MEMORY_REGION(storage_.data(), begin_ * sizeof(float));
    ASAN_POISON_MEMORY_REGION(data() + size_, (storage_.size() - begin_ - size_) * sizeof(float));
  }

  std::vector<float> storage_;
  std::size_t size_, begin_ = 0;
};

/// Standard normal numbers, the same for the same seed.
inline std::vector<float> normal(std::size_t size, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> distribution;
  std::vector<float> values(size);
  for (float& value : values) value = distribution(engine);
  return values;
}

inline std::vector<double> wide(const std::vector<float>& values) { return {values.begin(), values.end()}; }

inline double norm(const std::vector<double>& values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

/// What ‖actual − expected‖ may be: 1e-5·‖expected‖, or, where sums of `terms` products of standard normal numbers
/// happened to cancel, 1e-5 of what their norm is on average.
inline double tolerance(const std::vector<double>& expected, std::size_t terms = 0) {
  return 1e-5 * std::max(norm(expected), std::sqrt(static_cast<double>(terms * expected.size())));
}

/// Fails unless ‖actual − expected‖ ≤ bound (a NaN fails) and the guards are intact; `parts` say which case it was.
template <class... Parts>
void expect_close(const Guarded& actual, const std::vector<double>& expected, double bound, const Parts&... parts) {
  std::vector<double> difference(expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) difference[i] = static_cast<double>(actual[i]) - expected[i];
  if (const double error = norm(difference); !(error <= bound))
    check::fail(__FILE__, __LINE__, "error ", error, " > ", bound, " in ", parts...);
  if (!actual.intact()) check::fail(__FILE__, __LINE__, "wrote outside its array: ", parts...);
}

template <class... Parts>
void expect_same_bits(const Guarded& actual, const Guarded& expected, const Parts&... parts) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (!same_bits(actual[i], expected[i]))
      return check::fail(__FILE__, __LINE__, "element ", i, " is ", actual[i], ", expected ", expected[i], " in ",
                         parts...);
  if (!actual.intact()) check::fail(__FILE__, __LINE__, "wrote outside its array: ", parts...);
}

inline std::size_t groups_of(std::size_t samples, std::size_t lanes) { return (samples + lanes - 1) / lanes; }

/// [samples][features] to [groups][features][lane]; the lanes past the last sample get `filler`.
inline std::vector<float> to_lanes(std::size_t lanes, std::size_t samples, const std::vector<float>& rows,
                                   float filler = 0) {
  const std::size_t features = rows.size() / samples;
  std::vector<float> result(groups_of(samples, lanes) * features * lanes, filler);
  for (std::size_t s = 0; s < samples; ++s)
    for (std::size_t f = 0; f < features; ++f)
      result[(s / lanes * features + f) * lanes + s % lanes] = rows[s * features + f];
  return result;
}

/// The rows of `expected` in the lanes layout, for comparison with a kernel's result.
inline std::vector<double> to_lanes(std::size_t lanes, std::size_t samples, const std::vector<double>& rows) {
  const std::size_t features = rows.size() / samples;
  std::vector<double> result(groups_of(samples, lanes) * features * lanes);
  for (std::size_t s = 0; s < samples; ++s)
    for (std::size_t f = 0; f < features; ++f)
      result[(s / lanes * features + f) * lanes + s % lanes] = rows[s * features + f];
  return result;
}

/// Whether the lanes past the last sample hold zeros (of either sign).
inline bool rest_is_zero(std::size_t lanes, std::size_t samples, const Guarded& array) {
  const std::size_t groups = groups_of(samples, lanes), features = array.size() / groups / lanes;
  for (std::size_t s = samples; s < groups * lanes; ++s)
    for (std::size_t f = 0; f < features; ++f)
      if (array[(s / lanes * features + f) * lanes + s % lanes] != 0.0f) return false;
  return true;
}

}  // namespace kernels_support
