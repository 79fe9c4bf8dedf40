#include "asap/data/dataset.h"

#include <algorithm>
#include <cstring>
#include <ostream>

#include "asap/core/error.h"
#include "asap/core/types.h"
#include "asap/kernels/kernels.h"

namespace asap {
namespace {

constexpr float kByteScale = 1.0f / 255.0f;

float to_feature(std::uint8_t value) { return kByteScale * static_cast<float>(value); }
float to_feature(float value) { return value; }
float to_feature(double value) { return static_cast<float>(value); }

/// The element at an address of any alignment.
template <class T>
float feature_at(const std::byte* address) {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return to_feature(value);
}

/// The features of one sample, in their order.
using Gather = void (*)(const SampleArray& array, const std::byte* sample, float* features);

template <class T>
void gather_strided(const SampleArray& array, const std::byte* sample, float* features) {
  const auto channels = static_cast<std::ptrdiff_t>(array.shape.channels);
  const auto height = static_cast<std::ptrdiff_t>(array.shape.height);
  const auto width = static_cast<std::ptrdiff_t>(array.shape.width);
  for (std::ptrdiff_t c = 0; c < channels; ++c)
    for (std::ptrdiff_t y = 0; y < height; ++y) {
      const std::byte* row = sample + c * array.channel_stride + y * array.row_stride;
      for (std::ptrdiff_t x = 0; x < width; ++x) *features++ = feature_at<T>(row + x * array.column_stride);
    }
}

/// The features of one sample, `step` floats apart.
template <class T>
void gather_lane(const SampleArray& array, const std::byte* sample, std::size_t step, float* features) {
  for (std::size_t c = 0; c < array.shape.channels; ++c)
    for (std::size_t y = 0; y < array.shape.height; ++y)
      for (std::size_t x = 0; x < array.shape.width; ++x, features += step)
        *features = feature_at<T>(sample + static_cast<std::ptrdiff_t>(c) * array.channel_stride +
                                  static_cast<std::ptrdiff_t>(y) * array.row_stride +
                                  static_cast<std::ptrdiff_t>(x) * array.column_stride);
}

using GatherLane = void (*)(const SampleArray& array, const std::byte* sample, std::size_t step, float* features);

GatherLane choose_lane(ElementType type) {
  return type == ElementType::uint8     ? gather_lane<std::uint8_t>
         : type == ElementType::float32 ? gather_lane<float>
                                        : gather_lane<double>;
}

void gather_bytes(const SampleArray& array, const std::byte* sample, float* features) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(sample);
  kernels::active().scale_bytes(array.shape.size(), bytes, kByteScale, features);
}

void gather_floats(const SampleArray& array, const std::byte* sample, float* features) {
  std::memcpy(features, sample, array.shape.size() * sizeof(float));
}

void gather_doubles(const SampleArray& array, const std::byte* sample, float* features) {
  for (std::size_t i = 0; i < array.shape.size(); ++i) features[i] = feature_at<double>(sample + i * sizeof(double));
}

std::size_t element_size(ElementType type) {
  return type == ElementType::uint8 ? 1 : type == ElementType::float32 ? sizeof(float) : sizeof(double);
}

/// Whether each sample's features lie one behind the other in their order.
bool is_contiguous(const SampleArray& array) {
  const auto [channels, height, width] = array.shape;
  const auto step = static_cast<std::ptrdiff_t>(element_size(array.type));
  const auto row = step * static_cast<std::ptrdiff_t>(width), plane = row * static_cast<std::ptrdiff_t>(height);
  return (width == 1 || array.column_stride == step) && (height == 1 || array.row_stride == row) &&
         (channels == 1 || array.channel_stride == plane);
}

Gather choose(const SampleArray& array) {
  const bool contiguous = is_contiguous(array);
  switch (array.type) {
    case ElementType::uint8:
      return contiguous ? gather_bytes : gather_strided<std::uint8_t>;
    case ElementType::float32:
      return contiguous ? gather_floats : gather_strided<float>;
    case ElementType::float64:
      return contiguous ? gather_doubles : gather_strided<double>;
  }
  invalid_argument("unknown element type ", static_cast<int>(array.type));
}

const std::byte* sample_at(const SampleArray& array, std::uint64_t index) {
  if (index >= array.count) invalid_argument("indices: there is no sample ", index, "; the array has ", array.count);
  return array.data + static_cast<std::ptrdiff_t>(index) * array.sample_stride;
}

constexpr std::size_t kAhead = 2;  // samples

/// Asks for a sample's memory. Samples come in random order, which no processor foresees: half the time of gathering.
void prefetch(const std::byte* sample, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += kCacheLine) __builtin_prefetch(sample + i);
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.channels << "×" << shape.height << "×" << shape.width;
}

void gather_rows(const SampleArray& array, std::span<const std::uint64_t> indices, float* rows) {
  const Gather gather = choose(array);
  const std::size_t bytes = is_contiguous(array) ? array.shape.size() * element_size(array.type) : 0;
  for (std::size_t i = 0; i < indices.size(); ++i, rows += array.shape.size()) {
    if (i + kAhead < indices.size()) prefetch(sample_at(array, indices[i + kAhead]), bytes);
    gather(array, sample_at(array, indices[i]), rows);
  }
}

void gather_lanes(const SampleArray& array, std::span<const std::uint64_t> indices, std::size_t lanes, float* out) {
  const std::size_t features = array.shape.size();
  const auto one_lane = choose_lane(array.type);
  for (std::size_t first = 0; first < indices.size(); first += lanes, out += features * lanes) {
    const auto group = indices.subspan(first, std::min(lanes, indices.size() - first));
    if (group.size() < lanes) std::fill_n(out, features * lanes, 0.0f);
    for (std::size_t lane = 0; lane < group.size(); ++lane)
      one_lane(array, sample_at(array, group[lane]), lanes, out + lane);
  }
}

}  // namespace asap
