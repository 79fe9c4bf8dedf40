#include "asap/data/gather.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "asap/core/types.h"
#include "asap/data/sample_reader.h"
#include "asap/kernels/kernels.h"

namespace asap {
namespace {

constexpr std::size_t kAhead = 2;  // samples

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
  const std::size_t channels = order_of(array) == ElementOrder::interleaved ? array.shape.channels : 1;
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
  const ReadFeatures read = choose_reader(array);
  for (std::size_t first = 0; first < array.shape.size(); first += kPiece) {
    const std::size_t count = std::min(kPiece, array.shape.size() - first);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      prefetch_sample(array, indices, i + kAhead, first);
      read(array, sample_at(array, indices[i]), first, count, rows.data() + i * count);
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
  const ElementOrder order = order_of(array);
  if (array.type == ElementType::uint8 && order != ElementOrder::scattered) return gather_group_of_bytes;
  return order == ElementOrder::interleaved ? gather_interleaved_group : gather_group;
}

}  // namespace

void gather_rows(const SampleArray& samples, std::span<const std::uint64_t> indices, float* rows) {
  const SampleArray array = with_long_rows(samples);
  const ReadFeatures read = choose_reader(array);
  for (std::size_t i = 0; i < indices.size(); ++i, rows += array.shape.size()) {
    prefetch_sample(array, indices, i + kAhead, 0);
    read(array, sample_at(array, indices[i]), 0, array.shape.size(), rows);
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
  if (order_of(array) == ElementOrder::scattered) return;
  constexpr std::size_t kMost = 256 * 1024;  // bytes; more would push each other out of the second-level cache
  const std::size_t size = array.shape.size() * element_size(array.type);
  for (const std::uint64_t index : indices.first(std::min(indices.size(), kMost / size))) {
    if (index >= array.count) continue;
    const std::byte* sample = array.data + static_cast<std::ptrdiff_t>(index) * array.sample_stride;
    for (std::size_t i = 0; i < size; i += kCacheLine) __builtin_prefetch(sample + i);
  }
}

}  // namespace asap
