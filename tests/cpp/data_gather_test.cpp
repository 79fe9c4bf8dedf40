#include <array>
#include <cstring>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/data/gather.h"
#include "asap/kernels/kernels.h"
#include "check.h"

using asap::ElementType;
using asap::SampleArray;
using asap::Shape;

namespace {

template <class T>
constexpr ElementType type_of = std::is_same_v<T, std::uint8_t> ? ElementType::uint8
                                : std::is_same_v<T, float>      ? ElementType::float32
                                                                : ElementType::float64;

/// Memory in which element (sample, channel, row, column) lies where the strides (in elements) say, from `origin` on.
struct Strides {
  std::ptrdiff_t origin, sample, channel, row, column;
};

constexpr std::size_t kSamples = 4;
constexpr Shape kShape{3, 5, 6};

/// The value of a feature, exact in every type.
int value_of(std::size_t sample, std::size_t feature) {
  return static_cast<int>((sample * 89 + feature * 7 + 3) % 256);
}

template <class T>
std::vector<std::byte> memory_of(const Strides& strides, std::size_t elements) {
  std::vector<std::byte> memory(elements * sizeof(T));
  for (std::size_t s = 0; s < kSamples; ++s)
    for (std::size_t c = 0, feature = 0; c < kShape.channels; ++c)
      for (std::size_t y = 0; y < kShape.height; ++y)
        for (std::size_t x = 0; x < kShape.width; ++x, ++feature) {
          const auto at = strides.origin + static_cast<std::ptrdiff_t>(s) * strides.sample +
                          static_cast<std::ptrdiff_t>(c) * strides.channel +
                          static_cast<std::ptrdiff_t>(y) * strides.row +
                          static_cast<std::ptrdiff_t>(x) * strides.column;
          const T value = static_cast<T>(value_of(s, feature));
          std::memcpy(memory.data() + at * static_cast<std::ptrdiff_t>(sizeof(T)), &value, sizeof(T));
        }
  return memory;
}

template <class T>
SampleArray array_of(const std::vector<std::byte>& memory, const Strides& strides) {
  const auto size = static_cast<std::ptrdiff_t>(sizeof(T));
  return {memory.data() + strides.origin * size,
          type_of<T>,
          kSamples,
          kShape,
          strides.sample * size,
          strides.channel * size,
          strides.row * size,
          strides.column * size};
}

template <class T>
void check_rows(const char* name, const SampleArray& array) {
  const std::array<std::uint64_t, 6> indices{3, 0, 2, 2, 1, 3};
  std::vector<float> rows(indices.size() * kShape.size() + 1, -1);
  asap::gather_rows(array, indices, rows.data());
  const float scale = std::is_same_v<T, std::uint8_t> ? 1.0f / 255.0f : 1.0f;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < indices.size(); ++i)
    for (std::size_t feature = 0; feature < kShape.size(); ++feature)
      wrong += rows[i * kShape.size() + feature] != scale * static_cast<float>(value_of(indices[i], feature));
  if (wrong) check::fail(__FILE__, __LINE__, name, ": ", wrong, " wrong features of elements of ", sizeof(T), " bytes");
  CHECK_EQUAL(rows.back(), -1.0f);
}

/// gather_lanes must give the bits of gather_rows followed by a change of layout, whatever the number of samples.
void check_lanes(const char* name, const SampleArray& array) {
  for (const auto* table : asap::kernels::available())
    for (const std::size_t samples : {std::size_t{1}, table->lanes - 1, table->lanes, 2 * table->lanes + 3}) {
      std::vector<std::uint64_t> indices(samples);
      for (std::size_t i = 0; i < samples; ++i) indices[i] = i * 7 % array.count;
      const std::size_t size = array.shape.size();
      const std::size_t floats = (samples + table->lanes - 1) / table->lanes * size * table->lanes;
      asap::AlignedBuffer<float> rows(samples * size), expected(floats), lanes(floats + 1);
      lanes[floats] = -1;
      asap::gather_rows(array, indices, rows.data());
      table->lanes_from_rows(samples, size, rows.data(), expected.data());
      asap::gather_lanes(*table, array, indices, lanes.data());
      if (std::memcmp(lanes.data(), expected.data(), floats * sizeof(float)) != 0 || lanes[floats] != -1)
        check::fail(__FILE__, __LINE__, name, ": ", table->name, " gathers other lanes than rows of ", array.shape,
                    ", samples ", samples, ", element type ", static_cast<int>(array.type));
    }
}

template <class T>
void check_gather(const char* name, const Strides& strides, std::size_t elements) {
  const auto memory = memory_of<T>(strides, elements);
  check_rows<T>(name, array_of<T>(memory, strides));
  check_lanes(name, array_of<T>(memory, strides));
}

void check_all_types(const char* name, const Strides& strides, std::size_t elements = 2000) {
  check_gather<std::uint8_t>(name, strides, elements);
  check_gather<float>(name, strides, elements);
  check_gather<double>(name, strides, elements);
}

}  // namespace

TEST(features_come_in_the_order_channel_row_column_whatever_the_strides) {
  check_all_types("planar", {0, 90, 30, 6, 1}, kSamples * 90);
  check_all_types("channels last", {0, 90, 1, 18, 3}, kSamples * 90);
  check_all_types("columns first", {0, 90, 30, 1, 5}, kSamples * 90);
  check_all_types("every second sample", {0, 180, 30, 6, 1});
  check_all_types("a crop", {100, 200, 60, 8, 1});
  check_all_types("every second column", {0, 180, 60, 12, 2});
  check_all_types("samples backwards", {3 * 90, -90, 30, 6, 1});
  check_all_types("mirrored", {95, 90, 30, 6, -1});
  check_all_types("all backwards", {4 * 90 - 1, -90, -30, -6, -1}, kSamples * 90);
  check_all_types("samples innermost", {0, 1, 4 * 30, 4 * 6, 4}, kSamples * 90);
}

TEST(lanes_are_gathered_alike_from_images_of_every_size_planar_and_channels_last) {
  std::vector<std::byte> memory(5 * 3100 * sizeof(double));
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::byte>(i * 41 % 64);
  for (const Shape shape : {Shape{1}, Shape{3}, Shape{15}, Shape{64}, Shape{65}, Shape{783}, Shape{1, 28, 28},
                            Shape{3, 32, 32}, Shape{4, 7, 9}, Shape{2, 1, 16}, Shape{5, 3, 1}})
    for (const ElementType type : {ElementType::uint8, ElementType::float32, ElementType::float64}) {
      const std::ptrdiff_t step = type == ElementType::uint8 ? 1 : type == ElementType::float32 ? 4 : 8;
      const auto size = static_cast<std::ptrdiff_t>(shape.size()), width = static_cast<std::ptrdiff_t>(shape.width),
                 pixels = width * static_cast<std::ptrdiff_t>(shape.height),
                 depth = static_cast<std::ptrdiff_t>(shape.channels);
      check_lanes("planar", {memory.data(), type, 5, shape, size * step, pixels * step, width * step, step});
      check_lanes("channels last",
                  {memory.data(), type, 5, shape, (size + 1) * step, step, width * depth * step, depth * step});
    }
}

TEST(strides_of_extents_of_one_do_not_matter) {
  const std::vector<float> features{1, 2, 3, 4, 5, 6};
  const SampleArray array{
      reinterpret_cast<const std::byte*>(features.data()), ElementType::float32, 2, {3}, 12, 4, 777, -5};
  const std::array<std::uint64_t, 2> indices{1, 0};
  std::vector<float> rows(6);
  asap::gather_rows(array, indices, rows.data());
  CHECK(rows == std::vector<float>({4, 5, 6, 1, 2, 3}));
}

TEST(elements_may_lie_at_any_address) {
  const std::array<float, 2> values{1.5f, -2.5f};
  std::array<std::byte, 16> memory{};
  std::memcpy(memory.data() + 1, &values[0], 4);
  std::memcpy(memory.data() + 6, &values[1], 4);
  const SampleArray array{memory.data() + 1, ElementType::float32, 1, {2}, 0, 5, 0, 0};
  const std::array<std::uint64_t, 1> indices{0};
  std::array<float, 2> row{};
  asap::gather_rows(array, indices, row.data());
  CHECK(row == values);
}

TEST(bytes_are_scaled_to_the_unit_interval_alike_by_every_instruction_set) {
  std::array<std::uint8_t, 256> bytes;
  for (std::size_t i = 0; i < 256; ++i) bytes[i] = static_cast<std::uint8_t>(i);
  const SampleArray array{reinterpret_cast<const std::byte*>(bytes.data()), ElementType::uint8, 1, {256}, 0, 1, 0, 0};
  const std::array<std::uint64_t, 1> indices{0};
  std::array<float, 256> gathered, scaled;
  asap::gather_rows(array, indices, gathered.data());
  CHECK_EQUAL(gathered[0], 0.0f);
  CHECK_EQUAL(gathered[255], 1.0f);
  for (const auto* table : asap::kernels::available()) {
    table->scale_bytes(256, bytes.data(), 1.0f / 255.0f, scaled.data());
    CHECK(scaled == gathered);
  }
}

TEST(a_missing_sample_is_refused) {
  const std::vector<float> features(6);
  const SampleArray array{
      reinterpret_cast<const std::byte*>(features.data()), ElementType::float32, 2, {3}, 12, 4, 0, 0};
  const std::array<std::uint64_t, 2> indices{1, 2};
  std::vector<float> rows(6);
  CHECK_THROWS(std::invalid_argument, asap::gather_rows(array, indices, rows.data()),
               "there is no sample 2; the array has 2");
  const auto& kernels = asap::kernels::active();
  asap::AlignedBuffer<float> lanes(3 * kernels.lanes);
  CHECK_THROWS(std::invalid_argument, asap::gather_lanes(kernels, array, indices, lanes.data()),
               "there is no sample 2; the array has 2");
}
