// Data as the core sees it: views of arrays that somebody else owns. Nothing is copied, whatever the size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>

namespace asap {

/// Extent of one sample: channels × height × width. A plain feature vector is {n, 1, 1}.
struct Shape {
  std::size_t channels = 0, height = 1, width = 1;
  constexpr std::size_t size() const { return channels * height * width; }
  constexpr bool is_image() const { return height != 1 || width != 1; }
  friend constexpr bool operator==(const Shape&, const Shape&) = default;
};

/// "3×32×32", for messages.
std::ostream& operator<<(std::ostream& out, const Shape& shape);

enum class ElementType { uint8, float32, float64 };

/// A non-owning view of `count` samples, any strides (in bytes, negative too). uint8 elements are multiplied by 1/255.
/// The order of a sample's features is channel, row, column, whatever the order in memory.
struct SampleArray {
  const std::byte* data = nullptr;
  ElementType type = ElementType::float32;
  std::size_t count = 0;
  Shape shape;
  std::ptrdiff_t sample_stride = 0, channel_stride = 0, row_stride = 0, column_stride = 0;
};

/// Samples with their labels (classification) or targets (regression, [count][target_size]); the other one is empty.
struct Dataset {
  SampleArray inputs;
  std::span<const std::int32_t> labels;
  std::span<const float> targets;
  std::size_t target_size = 0;
  std::size_t size() const { return inputs.count; }
};

}  // namespace asap
