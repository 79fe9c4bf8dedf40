#include "asap/data/dataset.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ostream>

#include "asap/core/error.h"
#include "asap/core/types.h"
#include "asap/kernels/kernels.h"

namespace asap {
namespace {

constexpr float kByteScale = 1.0f / 255.0f;

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

/// Features first … first + count of one sample.
using Gather = void (*)(const SampleArray& array, const std::byte* sample, std::size_t first, std::size_t count,
                        float* features);

template <class T>
void gather_strided(const SampleArray& array, const std::byte* sample, std::size_t first, std::size_t count,
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

void gather_bytes(const SampleArray&, const std::byte* sample, std::size_t first, std::size_t count, float* features) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(sample) + first;
  kernels::active().scale_bytes(count, bytes, kByteScale, features);
}

void gather_floats(const SampleArray&, const std::byte* sample, std::size_t first, std::size_t count, float* features) {
  std::memcpy(features, sample + first * sizeof(float), count * sizeof(float));
}

void gather_doubles(const SampleArray&, const std::byte* sample, std::size_t first, std::size_t count,
                    float* features) {
  for (std::size_t i = first; i < first + count; ++i) *features++ = feature_at<double>(sample + i * sizeof(double));
}

std::size_t element_size(ElementType type) {
  return type == ElementType::uint8 ? 1 : type == ElementType::float32 ? sizeof(float) : sizeof(double);
}

/// How the elements of a sample lie in memory.
enum class Order {
  planar,       ///< one behind the other, in the order of the features
  interleaved,  ///< one behind the other, pixel by pixel: channels last
  scattered
};

Order order_of(const SampleArray& array) {
  const auto [channels, height, width] = array.shape;
  const auto step = static_cast<std::ptrdiff_t>(element_size(array.type));
  const auto has_strides = [&array](std::ptrdiff_t channel, std::ptrdiff_t row, std::ptrdiff_t column) {
    return (array.shape.width == 1 || array.column_stride == column) &&
           (array.shape.height == 1 || array.row_stride == row) &&
           (array.shape.channels == 1 || array.channel_stride == channel);
  };
  const auto columns = static_cast<std::ptrdiff_t>(width), pixels = static_cast<std::ptrdiff_t>(height) * columns,
             depth = static_cast<std::ptrdiff_t>(channels);
  if (has_strides(pixels * step, columns * step, step)) return Order::planar;
  if (has_strides(step, columns * depth * step, depth * step)) return Order::interleaved;
  return Order::scattered;
}

Gather choose(const SampleArray& array) {
  const bool contiguous = order_of(array) == Order::planar;
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

constexpr std::size_t kAhead = 2;       // samples
constexpr std::size_t kAheadLines = 8;  // behind them the processor has seen where it goes

/// Asks for what sample number `next` has from feature `first` on. Samples come in random order, which no processor
/// foresees: half the time of gathering.
void prefetch(const SampleArray& array, std::span<const std::uint64_t> indices, std::size_t next, std::size_t first) {
  if (next >= indices.size()) return;
  const std::byte* sample = sample_at(array, indices[next]);
  if (order_of(array) == Order::scattered) return;
  const std::size_t begin = first * element_size(array.type), size = array.shape.size() * element_size(array.type);
  for (std::size_t i = begin; i < std::min(size, begin + kAheadLines * kCacheLine); i += kCacheLine)
    __builtin_prefetch(sample + i);
}

/// The same array, with each channel's rows as one where they lie behind each other: long runs take less time.
SampleArray with_long_rows(SampleArray array) {
  Shape& shape = array.shape;
  if (array.row_stride == static_cast<std::ptrdiff_t>(shape.width) * array.column_stride)
    shape.width *= shape.height, shape.height = 1;
  return array;
}

/// One group of samples in the lanes layout.
using GatherGroup = void (*)(const kernels::Table& kernels, const SampleArray& array,
                             std::span<const std::uint64_t> indices, float* lanes);

/// Reads all samples side by side, so that their cache misses overlap: asking ahead only costs.
void gather_group_of_bytes(const kernels::Table& kernels, const SampleArray& array,
                           std::span<const std::uint64_t> indices, float* lanes) {
  std::array<const std::uint8_t*, kernels::kMaxLanes> bytes{};
  for (std::size_t i = 0; i < indices.size(); ++i)
    bytes[i] = reinterpret_cast<const std::uint8_t*>(sample_at(array, indices[i]));
  const std::size_t size = array.shape.size();
  const std::size_t channels = order_of(array) == Order::interleaved ? array.shape.channels : 1;
  kernels.lanes_from_bytes(indices.size(), bytes.data(), size / channels, channels, kByteScale, lanes);
}

/// The same elements as features in the order of memory.
SampleArray as_they_lie(const SampleArray& array) {
  return {array.data,           array.type,          array.count,
          {array.shape.size()}, array.sample_stride, static_cast<std::ptrdiff_t>(element_size(array.type))};
}

/// Puts features first … first + count of interleaved images, in the order of memory, where they belong.
template <std::size_t kLanes>
void spread(const Shape& shape, std::size_t first, std::size_t count, const float* features, float* lanes) {
  const std::size_t pixels = shape.height * shape.width;
  std::size_t pixel = first / shape.channels, channel = first % shape.channels;
  for (; count > 0; --count, features += kLanes) {
    std::memcpy(lanes + (channel * pixels + pixel) * kLanes, features, kLanes * sizeof(float));
    if (++channel == shape.channels) channel = 0, ++pixel;
  }
}

constexpr std::size_t kPiece = 256;  // features; so many of each sample of a group stay in the first cache
using Piece = std::array<float, kernels::kMaxLanes * kPiece>;

/// Calls put(first, count, rows) for one piece of the samples after the other, gathered as rows.
template <class Put>
void for_each_piece(const SampleArray& array, std::span<const std::uint64_t> indices, Put put) {
  Piece rows;
  const Gather gather = choose(array);
  for (std::size_t first = 0; first < array.shape.size(); first += kPiece) {
    const std::size_t count = std::min(kPiece, array.shape.size() - first);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      prefetch(array, indices, i + kAhead, first);
      gather(array, sample_at(array, indices[i]), first, count, rows.data() + i * count);
    }
    put(first, count, rows.data());
  }
}

void gather_group(const kernels::Table& kernels, const SampleArray& array, std::span<const std::uint64_t> indices,
                  float* lanes) {
  for_each_piece(array, indices, [&](std::size_t first, std::size_t count, const float* rows) {
    kernels.lanes_from_rows(indices.size(), count, rows, lanes + first * kernels.lanes);
  });
}

void gather_interleaved_group(const kernels::Table& kernels, const SampleArray& array,
                              std::span<const std::uint64_t> indices, float* lanes) {
  alignas(kCacheLine) Piece features;
  const auto put = kernels.lanes == 16 ? spread<16> : kernels.lanes == 8 ? spread<8> : spread<4>;
  for_each_piece(as_they_lie(array), indices, [&](std::size_t first, std::size_t count, const float* rows) {
    kernels.lanes_from_rows(indices.size(), count, rows, features.data());
    put(array.shape, first, count, features.data(), lanes);
  });
}

GatherGroup choose_group(const SampleArray& array) {
  const Order order = order_of(array);
  if (array.type == ElementType::uint8 && order != Order::scattered) return gather_group_of_bytes;
  return order == Order::interleaved ? gather_interleaved_group : gather_group;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const Shape& shape) {
  return out << shape.channels << "×" << shape.height << "×" << shape.width;
}

void gather_rows(const SampleArray& samples, std::span<const std::uint64_t> indices, float* rows) {
  const SampleArray array = with_long_rows(samples);
  const Gather gather = choose(array);
  for (std::size_t i = 0; i < indices.size(); ++i, rows += array.shape.size()) {
    prefetch(array, indices, i + kAhead, 0);
    gather(array, sample_at(array, indices[i]), 0, array.shape.size(), rows);
  }
}

void gather_lanes(const kernels::Table& kernels, const SampleArray& samples, std::span<const std::uint64_t> indices,
                  float* lanes) {
  const SampleArray array = with_long_rows(samples);
  const GatherGroup gather = choose_group(array);
  while (!indices.empty()) {
    const std::size_t together = std::min(kernels.lanes, indices.size());
    gather(kernels, array, indices.first(together), lanes);
    indices = indices.subspan(together);
    lanes += array.shape.size() * kernels.lanes;
  }
}

void prefetch(const SampleArray& array, std::span<const std::uint64_t> indices) {
  if (order_of(array) == Order::scattered) return;
  constexpr std::size_t kMost = 256 * 1024;  // bytes; more would push each other out of the second-level cache
  const std::size_t size = array.shape.size() * element_size(array.type);
  for (const std::uint64_t index : indices.first(std::min(indices.size(), kMost / size))) {
    if (index >= array.count) continue;
    const std::byte* sample = array.data + static_cast<std::ptrdiff_t>(index) * array.sample_stride;
    for (std::size_t i = 0; i < size; i += kCacheLine) __builtin_prefetch(sample + i);
  }
}

}  // namespace asap
