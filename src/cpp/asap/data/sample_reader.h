// Reads the features of one sample, whatever their type and strides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "asap/core/error.h"
#include "asap/data/dataset.h"

namespace asap {

inline constexpr float kByteScale = 1.0f / 255.0f;

/// How the elements of a sample lie in memory.
enum class ElementOrder {
  planar,       ///< one behind the other, in the order of the features
  interleaved,  ///< one behind the other, pixel by pixel: channels last
  scattered
};

ElementOrder order_of(const SampleArray& array);

constexpr std::size_t element_size(ElementType type) {
  return type == ElementType::uint8 ? 1 : type == ElementType::float32 ? sizeof(float) : sizeof(double);
}

/// Where a sample begins. Throws std::invalid_argument when there is none of that number.
inline const std::byte* sample_at(const SampleArray& array, std::uint64_t index) {
  if (index >= array.count) invalid_argument("indices: there is no sample ", index, "; the array has ", array.count);
  return array.data + static_cast<std::ptrdiff_t>(index) * array.sample_stride;
}

/// Writes features first … first + count of one sample.
using ReadFeatures = void (*)(const SampleArray& array, const std::byte* sample, std::size_t first, std::size_t count,
                              float* features);

/// The fastest way to read such samples.
ReadFeatures choose_reader(const SampleArray& array);

/// Asks for what sample indices[next] has from feature `first` on, if there is one. Samples come in random order, which
/// no processor foresees: half the time of gathering.
void prefetch_sample(const SampleArray& array, std::span<const std::uint64_t> indices, std::size_t next,
                     std::size_t first);

}  // namespace asap
