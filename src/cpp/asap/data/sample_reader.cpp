#include "asap/data/sample_reader.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "asap/core/types.h"
#include "asap/kernels/kernels.h"

namespace asap {
namespace {

/// The features of all bytes: looking one up is faster than converting it.
constexpr auto kByteFeatures = [] {
  std::array<float, 256> features{};
  for (std::size_t value = 0; value < 256; ++value) features[value] = kByteScale * static_cast<float>(value);
  return features;
}();

float to_feature(std::uint8_t value) { return kByteFeatures[value]; }
float to_feature(float value) { return value; }
float to_feature(double value) { return static_cast<float>(value); }

/// The element at an address of any alignment.
template <class T>
float feature_at(const std::byte* address) {
  T value;
  std::memcpy(&value, address, sizeof(T));
  return to_feature(value);
}

template <class T>
void read_strided(const SampleArray& array, const std::byte* sample, std::size_t first, std::size_t count,
                  float* features) {
  const auto [channels, height, width] = array.shape;
  for (std::size_t row = first / width, x = first % width; count > 0; ++row, x = 0) {
    const std::byte* element = sample + static_cast<std::ptrdiff_t>(row / height) * array.channel_stride +
                               static_cast<std::ptrdiff_t>(row % height) * array.row_stride +
                               static_cast<std::ptrdiff_t>(x) * array.column_stride;
    const std::size_t run = std::min(width - x, count);
    for (std::size_t i = 0; i < run; ++i, element += array.column_stride) *features++ = feature_at<T>(element);
    count -= run;
  }
}

void read_bytes(const SampleArray&, const std::byte* sample, std::size_t first, std::size_t count, float* features) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(sample) + first;
  kernels::active().scale_bytes(count, bytes, kByteScale, features);
}

void read_floats(const SampleArray&, const std::byte* sample, std::size_t first, std::size_t count, float* features) {
  std::memcpy(features, sample + first * sizeof(float), count * sizeof(float));
}

void read_doubles(const SampleArray&, const std::byte* sample, std::size_t first, std::size_t count, float* features) {
  for (std::size_t i = first; i < first + count; ++i) *features++ = feature_at<double>(sample + i * sizeof(double));
}

constexpr std::size_t kAheadLines = 8;  // behind them the processor has seen where it goes

}  // namespace

ElementOrder order_of(const SampleArray& array) {
  const auto [channels, height, width] = array.shape;
  const auto step = static_cast<std::ptrdiff_t>(element_size(array.type));
  const auto has_strides = [&array](std::ptrdiff_t channel, std::ptrdiff_t row, std::ptrdiff_t column) {
    return (array.shape.width == 1 || array.column_stride == column) &&
           (array.shape.height == 1 || array.row_stride == row) &&
           (array.shape.channels == 1 || array.channel_stride == channel);
  };
  const auto columns = static_cast<std::ptrdiff_t>(width), pixels = static_cast<std::ptrdiff_t>(height) * columns,
             depth = static_cast<std::ptrdiff_t>(channels);
  if (has_strides(pixels * step, columns * step, step)) return ElementOrder::planar;
  if (has_strides(step, columns * depth * step, depth * step)) return ElementOrder::interleaved;
  return ElementOrder::scattered;
}

ReadFeatures choose_reader(const SampleArray& array) {
  const bool contiguous = order_of(array) == ElementOrder::planar;
  switch (array.type) {
    case ElementType::uint8:
      return contiguous ? read_bytes : read_strided<std::uint8_t>;
    case ElementType::float32:
      return contiguous ? read_floats : read_strided<float>;
    case ElementType::float64:
      return contiguous ? read_doubles : read_strided<double>;
  }
  invalid_argument("unknown element type ", static_cast<int>(array.type));
}

void prefetch_sample(const SampleArray& array, std::span<const std::uint64_t> indices, std::size_t next,
                     std::size_t first) {
  if (next >= indices.size()) return;
  const std::byte* sample = sample_at(array, indices[next]);
  if (order_of(array) == ElementOrder::scattered) return;
  const std::size_t begin = first * element_size(array.type), size = array.shape.size() * element_size(array.type);
  for (std::size_t i = begin; i < std::min(size, begin + kAheadLines * kCacheLine); i += kCacheLine)
    __builtin_prefetch(sample + i);
}

}  // namespace asap
