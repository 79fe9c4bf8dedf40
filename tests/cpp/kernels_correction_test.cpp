// The corrections' kernels of every instruction set.
#include <cmath>

#include "asap/kernels/reference_correction.h"
#include "kernels_support.h"

namespace {

using namespace asap::kernels;
using namespace kernels_support;

/// Lengths around every vector width, and one long one.
std::vector<std::size_t> lengths() {
  std::vector<std::size_t> all{0, 63, 64, 65, 1000};
  for (std::size_t n = 1; n < 40; ++n) all.push_back(n);
  return all;
}

/// What a correction reads; movement is positive.
struct Vectors {
  explicit Vectors(std::size_t n, std::size_t offset = 0)
      : gradient(normal(n, 20), offset),
        theta(normal(n, 21), offset + 1),
        view(normal(n, 22), offset + 2),
        movement(normal(n, 23), offset + 3) {
    for (std::size_t i = 0; i < n; ++i) movement[i] = std::abs(movement[i]) + 0.01f;
  }
  Guarded gradient, theta, view, movement;
};

constexpr float kLambda = 0.7f, kWeight = 0.9f, kShare = 0.03f, kFactor = 0.4f;

void compensate(const Table& table, std::size_t n, const Vectors& v, std::size_t first, float* corrected) {
  table.compensate_delay(n, kLambda, v.gradient.data() + first, v.theta.data() + first, v.view.data() + first,
                         corrected);
}

void divide(const Table& table, std::size_t n, const Vectors& v, std::size_t first, float* corrected) {
  table.divide_by_gap(n, kWeight, v.gradient.data() + first, v.theta.data() + first, v.view.data() + first,
                      v.movement.data() + first, corrected);
}

void average(const Table& table, std::size_t n, const Vectors& v, std::size_t first, float* averaged) {
  table.average_movement(n, kShare, kFactor, v.gradient.data() + first, v.movement.data() + first, averaged);
}

constexpr decltype(&compensate) kKernels[] = {compensate, divide, average};

}  // namespace

TEST(corrections_agree_with_the_reference) {
  for (const Table* table : available())
    for (const std::size_t n : lengths()) {
      const Vectors v(n);
      const auto gradient = wide(v.gradient.values()), theta = wide(v.theta.values()), view = wide(v.view.values()),
                 movement = wide(v.movement.values());
      Guarded result(n, 5);
      std::vector<double> expected(n);
      compensate(*table, n, v, 0, result.data());
      reference::compensate_delay<double>(n, kLambda, gradient.data(), theta.data(), view.data(), expected.data());
      expect_close(result, expected, 0.1 * tolerance(expected), table->name, " compensate_delay n=", n);
      divide(*table, n, v, 0, result.data());
      reference::divide_by_gap<double>(n, kWeight, gradient.data(), theta.data(), view.data(), movement.data(),
                                       expected.data());
      expect_close(result, expected, 0.1 * tolerance(expected), table->name, " divide_by_gap n=", n);
      average(*table, n, v, 0, result.data());
      reference::average_movement<double>(n, kShare, kFactor, gradient.data(), movement.data(), expected.data());
      expect_close(result, expected, 0.1 * tolerance(expected), table->name, " average_movement n=", n);
    }
}

TEST(an_element_has_the_same_bits_wherever_it_stands) {
  constexpr std::size_t kSize = 100;
  const Vectors whole(kSize);
  for (const Table* table : available())
    for (const auto kernel : kKernels) {
      Guarded expected(kSize);
      kernel(*table, kSize, whole, 0, expected.data());
      for (std::size_t first = 0; first < 40; ++first)
        for (std::size_t n = 1; first + n <= kSize; n += 3) {
          const Vectors part(kSize, first % 4);
          Guarded result(n, n % 5);
          kernel(*table, n, part, first, result.data());
          for (std::size_t i = 0; i < n; ++i) CHECK(same_bits(result[i], expected[first + i]));
          CHECK(result.intact());
        }
    }
}

TEST(a_correction_may_take_the_place_of_the_gradient_and_an_average_that_of_the_movement) {
  for (const Table* table : available())
    for (const std::size_t n : lengths()) {
      Guarded expected(n);
      for (const auto kernel : {compensate, divide}) {
        Vectors v(n);
        kernel(*table, n, v, 0, expected.data());
        kernel(*table, n, v, 0, v.gradient.data());
        expect_same_bits(v.gradient, expected, table->name, " in place, n=", n);
      }
      Vectors v(n);
      average(*table, n, v, 0, expected.data());
      average(*table, n, v, 0, v.movement.data());
      expect_same_bits(v.movement, expected, table->name, " movement in place, n=", n);
    }
}

TEST(without_staleness_or_strength_a_gradient_keeps_its_bits) {
  for (const Table* table : available())
    for (const std::size_t n : lengths()) {
      Vectors v(n);
      Guarded result(n);
      table->compensate_delay(n, 0.0f, v.gradient.data(), v.theta.data(), v.view.data(), result.data());
      expect_same_bits(result, v.gradient, table->name, " lambda = 0, n=", n);
      table->compensate_delay(n, kLambda, v.gradient.data(), v.theta.data(), v.theta.data(), result.data());
      expect_same_bits(result, v.gradient, table->name, " compensate_delay without staleness, n=", n);
      table->divide_by_gap(n, 1.0f, v.gradient.data(), v.theta.data(), v.theta.data(), v.movement.data(),
                           result.data());
      expect_same_bits(result, v.gradient, table->name, " divide_by_gap without staleness, n=", n);
      const Guarded zeros(std::vector<float>(n, 0.0f));
      table->divide_by_gap(n, 0.0f, v.gradient.data(), v.theta.data(), v.theta.data(), zeros.data(), result.data());
      expect_same_bits(result, v.gradient, table->name, " divide_by_gap before any movement, n=", n);
    }
}

TEST(a_norm_is_exact_to_rounding_and_does_not_overflow) {
  for (const Table* table : available())
    for (const std::size_t n : lengths()) {
      Guarded x(normal(n, 24), 3);
      double squares = 0;
      for (std::size_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
      CHECK_NEAR(table->squared_norm(n, x.data()), squares, 1e-12 * (1.0 + squares));
      for (std::size_t i = 0; i < n; ++i) x[i] = i % 2 == 0 ? 3e38f : -3e38f;
      const double each = static_cast<double>(3e38f) * static_cast<double>(3e38f);
      CHECK_NEAR(table->squared_norm(n, x.data()) / each, static_cast<double>(n), 1e-12 * static_cast<double>(n));
    }
}
