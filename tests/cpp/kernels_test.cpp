// Element-wise kernels, losses and the update path of every instruction set; the choice of the table.
#include <cstdlib>
#include <limits>
#include <stdexcept>

#include "asap/kernels/reference.h"
#include "kernels_support.h"

namespace {

using namespace asap::kernels;
using namespace kernels_support;

constexpr Activation kActivations[] = {Activation::identity, Activation::relu, Activation::tanh};

/// Lengths around every vector width, and one long one.
std::vector<std::size_t> lengths() {
  std::vector<std::size_t> all{0, 63, 64, 65, 1000};
  for (std::size_t n = 1; n < 40; ++n) all.push_back(n);
  return all;
}

// --- choice of the table

TEST(the_table_named_by_the_environment_is_used_and_read_once) {
  setenv("ASAP_ISA", "sse9", 1);
  CHECK_THROWS(std::invalid_argument, active(), available().front()->name);
  CHECK_THROWS(std::invalid_argument, active(), "'sse9'");
  setenv("ASAP_ISA", std::string(available().front()->name).c_str(), 1);
  CHECK_EQUAL(active().name, available().front()->name);
  setenv("ASAP_ISA", "sse9", 1);
  CHECK_EQUAL(active().name, available().front()->name);
}

TEST(every_table_is_complete_and_distinct) {
  CHECK(!available().empty());
  for (std::size_t i = 0; i < available().size(); ++i) {
    const Table& table = *available()[i];
    CHECK(table.lanes >= 4 && table.gemm && table.conv_forward && table.advance && table.all_finite);
    for (std::size_t j = 0; j < i; ++j) {
      CHECK(available()[j]->name != table.name);
      CHECK(available()[j]->lanes <= table.lanes);
    }
  }
}

// --- activations

TEST(activations_agree_with_the_reference) {
  for (const Table* table : available())
    for (const Activation activation : kActivations)
      for (const std::size_t n : lengths()) {
        const Guarded x(normal(n, 1), 1), d_y(normal(n, 2), 3);
        Guarded y(n, 2), d_x(n, 5);
        table->activate(activation, n, x.data(), y.data());
        table->activate_backward(activation, n, y.data(), d_y.data(), d_x.data());
        std::vector<double> expected(n), expected_d(n);
        reference::activate(activation, n, wide(x.values()).data(), expected.data());
        reference::activate_backward(activation, n, wide(y.values()).data(), wide(d_y.values()).data(),
                                     expected_d.data());
        expect_close(y, expected, 0.1 * tolerance(expected), table->name, " activate ", static_cast<int>(activation),
                     " n=", n);
        expect_close(d_x, expected_d, 0.1 * tolerance(expected_d), table->name, " activate_backward ",
                     static_cast<int>(activation), " n=", n);
      }
}

TEST(tanh_is_accurate_at_every_size_of_its_argument) {
  std::vector<float> x{0.0f,
                       -0.0f,
                       1e-38f,
                       20.0f,
                       -20.0f,
                       1e4f,
                       -1e4f,
                       std::numeric_limits<float>::max(),
                       -std::numeric_limits<float>::infinity()};
  for (float size = 1e-6f; size < 12; size *= 1.01f) x.insert(x.end(), {size, -size});
  for (const Table* table : available()) {
    Guarded y(x.size());
    table->activate(Activation::tanh, x.size(), x.data(), y.data());
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double expected = std::tanh(static_cast<double>(x[i]));
      CHECK_NEAR(static_cast<double>(y[i]), expected, 4e-7 * std::abs(expected));
      CHECK(std::abs(y[i]) <= 1.0f);
    }
  }
}

TEST(activations_in_place_give_the_same_bits) {
  for (const Table* table : available())
    for (const Activation activation : kActivations)
      for (const std::size_t n : lengths()) {
        Guarded x(normal(n, 3), 1), d(normal(n, 4), 1);
        Guarded y(n), d_x(n);
        table->activate(activation, n, x.data(), y.data());
        table->activate(activation, n, x.data(), x.data());
        expect_same_bits(x, y, table->name, " activate in place, n=", n);
        table->activate_backward(activation, n, y.data(), d.data(), d_x.data());
        table->activate_backward(activation, n, y.data(), d.data(), d.data());
        expect_same_bits(d, d_x, table->name, " activate_backward in place, n=", n);
      }
}

TEST(bytes_are_scaled_exactly) {
  const float scale = 1.0f / 255.0f;
  for (const Table* table : available())
    for (const std::size_t n : lengths()) {
      std::vector<std::uint8_t> bytes(n);  // no more than are read
      for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7);
      Guarded values(n, 1), expected(n);
      for (std::size_t i = 0; i < n; ++i) expected[i] = scale * static_cast<float>(bytes[i]);
      table->scale_bytes(n, bytes.data(), scale, values.data());
      expect_same_bits(values, expected, table->name, " scale_bytes n=", n);
    }
}

// --- losses

struct Logits {
  std::size_t rows, classes;
  std::vector<float> output;
  std::vector<std::int32_t> labels;
};

Logits logits(std::size_t rows, std::size_t classes, float size) {
  Logits l{rows, classes, normal(rows * classes, 5), std::vector<std::int32_t>(rows)};
  for (float& x : l.output) x *= size;
  for (std::size_t i = 0; i < rows; ++i) l.labels[i] = static_cast<std::int32_t>(i * 7 % classes);
  return l;
}

template <class Check>
void for_each_logits(Check check) {
  for (const float size : {0.01f, 1.0f, 30.0f, 1e4f})
    for (const std::size_t rows : {1u, 3u, 16u, 33u})
      for (const std::size_t classes : {1u, 2u, 3u, 10u, 15u, 16u, 17u, 33u, 100u, 128u, 129u, 1000u})
        check(logits(rows, classes, size));
}

TEST(softmax_cross_entropy_agrees_with_the_reference) {
  for_each_logits([](const Logits& l) {
    const Guarded output(l.output, 1);
    std::vector<double> expected(l.output.size());
    const double weight = 1.0 / static_cast<double>(l.rows);
    const double expected_loss = reference::softmax_cross_entropy(l.rows, l.classes, wide(l.output).data(),
                                                                  l.labels.data(), weight, expected.data());
    for (const Table* table : available()) {
      Guarded d_output(l.output.size(), 3);
      const double loss = table->softmax_cross_entropy(l.rows, l.classes, output.data(), l.labels.data(),
                                                       static_cast<float>(weight), d_output.data());
      CHECK_NEAR(loss, expected_loss, 1e-6 * expected_loss);
      expect_close(d_output, expected, tolerance(expected), table->name, " softmax_cross_entropy rows=", l.rows,
                   " classes=", l.classes);
      CHECK_EQUAL(table->softmax_cross_entropy(l.rows, l.classes, output.data(), l.labels.data(), 1.0f, nullptr), loss);
    }
  });
}

TEST(softmax_agrees_with_the_reference_also_in_place) {
  for_each_logits([](const Logits& l) {
    Guarded output(l.output, 1);
    std::vector<double> expected(l.output.size());
    reference::softmax(l.rows, l.classes, wide(l.output).data(), expected.data());
    for (const Table* table : available()) {
      output = l.output;
      Guarded probability(l.output.size(), 3);
      table->softmax(l.rows, l.classes, output.data(), probability.data());
      expect_close(probability, expected, tolerance(expected), table->name, " softmax rows=", l.rows,
                   " classes=", l.classes);
      table->softmax(l.rows, l.classes, output.data(), output.data());
      expect_same_bits(output, probability, table->name, " softmax in place");
    }
  });
}

TEST(confident_answers_have_an_accurate_small_loss) {
  for (const Table* table : available())
    for (const std::size_t samples : {1u, 33u})
      for (const float gap : {5.0f, 10.0f, 15.0f}) {
        std::vector<float> output;
        for (std::size_t i = 0; i < samples; ++i) output.insert(output.end(), {0.0f, gap, -gap});
        const std::vector<std::int32_t> labels(samples, 1);
        const double wide_gap = static_cast<double>(gap),
                     expected =
                         static_cast<double>(samples) * std::log1p(std::exp(-wide_gap) + std::exp(-2 * wide_gap));
        CHECK_NEAR(table->softmax_cross_entropy(samples, 3, output.data(), labels.data(), 1.0f, nullptr), expected,
                   1e-6 * expected);
      }
}

TEST(extreme_logits_give_finite_losses_and_gradients) {
  for (const Table* table : available())
    for (const std::int32_t label : {0, 1, 2}) {
      const std::vector<float> output{1e4f, -1e4f, 0.0f};
      std::vector<float> d_output(3);
      const double loss = table->softmax_cross_entropy(1, 3, output.data(), &label, 1.0f, d_output.data());
      CHECK_NEAR(loss, label == 0 ? 0.0 : label == 1 ? 2e4 : 1e4, 1e-2);
      CHECK(table->all_finite(3, d_output.data()));
    }
}

TEST(probabilities_too_small_for_a_float_are_zero) {
  for (const Table* table : available()) {
    const std::vector<float> output{0.0f, -1000.0f, -1e30f};
    std::vector<float> probability(3);
    table->softmax(1, 3, output.data(), probability.data());
    CHECK(probability == (std::vector<float>{1.0f, 0.0f, 0.0f}));
  }
}

TEST(squared_error_agrees_with_the_reference) {
  for (const std::size_t rows : {1u, 3u, 16u, 33u})
    for (const std::size_t n : {1u, 2u, 3u, 10u, 17u, 100u}) {
      const Guarded output(normal(rows * n, 6), 1), target(normal(rows * n, 7), 3);
      std::vector<double> expected(rows * n);
      const double expected_loss = reference::squared_error(rows, n, wide(output.values()).data(),
                                                            wide(target.values()).data(), 0.5, expected.data());
      for (const Table* table : available()) {
        Guarded d_output(rows * n, 5);
        const double loss = table->squared_error(rows, n, output.data(), target.data(), 0.5f, d_output.data());
        CHECK_NEAR(loss, expected_loss, 1e-6 * expected_loss);
        expect_close(d_output, expected, 0.1 * tolerance(expected), table->name, " squared_error rows=", rows,
                     " n=", n);
        CHECK_EQUAL(table->squared_error(rows, n, output.data(), target.data(), 0.5f, nullptr), loss);
      }
    }
}

// --- update path

TEST(copies_and_sums_agree_with_the_reference_also_in_place) {
  for (const Table* table : available())
    for (const std::size_t n : lengths()) {
      Guarded x(normal(n, 8), 1);
      const Guarded start(normal(n, 9), 3);
      Guarded copied(n, 3), scaled(n, 5), total(start.values(), 7);
      table->copy(n, x.data(), copied.data());
      expect_same_bits(copied, x, table->name, " copy n=", n);
      table->accumulate(n, 0.3f, x.data(), total.data());
      std::vector<double> expected(n);
      for (std::size_t i = 0; i < n; ++i) expected[i] = start[i] + 0.3f * static_cast<double>(x[i]);
      expect_close(total, expected, 0.1 * tolerance(expected), table->name, " accumulate n=", n);
      table->scaled_copy(n, 0.3f, x.data(), scaled.data());
      for (std::size_t i = 0; i < n; ++i) CHECK(same_bits(scaled[i], 0.3f * x[i]));
      table->scaled_copy(n, 0.3f, x.data(), x.data());
      expect_same_bits(x, scaled, table->name, " scaled_copy in place, n=", n);
    }
}

constexpr Coefficients kCoefficients{.rate = 0.05f, .scale = 0.7f, .momentum = 0.9f};

struct Vectors {
  explicit Vectors(std::size_t n, std::size_t offset = 0)
      : gradient(normal(n, 10), offset), theta(normal(n, 11), offset + 1), velocity(normal(n, 12), offset + 2) {}
  Guarded gradient, theta, velocity;
};

TEST(advance_agrees_with_the_reference) {
  for (const Table* table : available())
    for (const std::size_t n : lengths())
      for (const bool momentum : {false, true}) {
        const Vectors v(n);
        Guarded theta(n, 5), velocity(n, 7);
        table->advance(n, kCoefficients, v.gradient.data(), v.theta.data(), momentum ? v.velocity.data() : nullptr,
                       theta.data(), momentum ? velocity.data() : nullptr);
        std::vector<double> expected(n), expected_velocity(n);
        reference::advance<double>(n, kCoefficients.rate, kCoefficients.scale, kCoefficients.momentum,
                                   wide(v.gradient.values()).data(), wide(v.theta.values()).data(),
                                   momentum ? wide(v.velocity.values()).data() : nullptr, expected.data(),
                                   momentum ? expected_velocity.data() : nullptr);
        expect_close(theta, expected, 0.1 * tolerance(expected), table->name, " advance n=", n, " momentum ", momentum);
        if (momentum)
          expect_close(velocity, expected_velocity, 0.1 * tolerance(expected_velocity), table->name,
                       " advance velocity n=", n);
      }
}

TEST(advance_in_place_gives_the_same_bits) {
  for (const Table* table : available())
    for (const std::size_t n : lengths())
      for (const bool momentum : {false, true}) {
        Vectors v(n);
        Guarded theta(n), velocity(n);
        table->advance(n, kCoefficients, v.gradient.data(), v.theta.data(), momentum ? v.velocity.data() : nullptr,
                       theta.data(), momentum ? velocity.data() : nullptr);
        table->advance(n, kCoefficients, v.gradient.data(), v.theta.data(), momentum ? v.velocity.data() : nullptr,
                       v.theta.data(), momentum ? v.velocity.data() : nullptr);
        expect_same_bits(v.theta, theta, table->name, " advance in place, n=", n, " momentum ", momentum);
        if (momentum) expect_same_bits(v.velocity, velocity, table->name, " velocity in place, n=", n);
      }
}

TEST(advance_gives_an_element_the_same_bits_wherever_it_stands) {
  constexpr std::size_t kSize = 100;
  for (const Table* table : available())
    for (const bool momentum : {false, true}) {
      Vectors whole(kSize);
      Guarded expected(kSize), expected_velocity(kSize);
      table->advance(kSize, kCoefficients, whole.gradient.data(), whole.theta.data(),
                     momentum ? whole.velocity.data() : nullptr, expected.data(),
                     momentum ? expected_velocity.data() : nullptr);
      for (std::size_t first = 0; first < 40; ++first)
        for (std::size_t n = 1; first + n <= kSize; n += 3) {
          Vectors part(kSize, first % 4);
          table->advance(n, kCoefficients, part.gradient.data() + first, part.theta.data() + first,
                         momentum ? part.velocity.data() + first : nullptr, part.theta.data() + first,
                         momentum ? part.velocity.data() + first : nullptr);
          for (std::size_t i = 0; i < kSize; ++i) {
            const bool inside = i >= first && i < first + n;
            CHECK(same_bits(part.theta[i], inside ? expected[i] : whole.theta[i]));
            if (momentum) CHECK(same_bits(part.velocity[i], inside ? expected_velocity[i] : whole.velocity[i]));
          }
        }
    }
}

TEST(a_rate_of_zero_leaves_theta_and_a_scale_of_zero_lets_the_velocity_decay) {
  for (const Table* table : available()) {
    const Vectors v(37);
    Guarded theta(37), velocity(37);
    table->advance(37, {.rate = 0, .scale = 1}, v.gradient.data(), v.theta.data(), nullptr, theta.data(), nullptr);
    expect_same_bits(theta, v.theta, table->name, " advance with rate 0");
    table->advance(37, {.rate = 1, .scale = 0, .momentum = 0.5f}, v.gradient.data(), v.theta.data(), v.velocity.data(),
                   theta.data(), velocity.data());
    for (std::size_t i = 0; i < 37; ++i) CHECK_EQUAL(velocity[i], 0.5f * v.velocity[i]);
  }
}

TEST(one_number_that_is_not_finite_is_found_wherever_it_stands) {
  using Limits = std::numeric_limits<float>;
  for (const Table* table : available())
    for (const std::size_t n : lengths()) {
      std::vector<float> extremes(n);
      for (std::size_t i = 0; i < n; ++i)
        extremes[i] = i % 3 == 0 ? Limits::max() : i % 3 == 1 ? -Limits::max() : Limits::denorm_min();
      Guarded x(extremes, 1);
      CHECK(table->all_finite(n, x.data()));
      for (std::size_t i = 0; i < n; ++i)
        for (const float bad : {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN()}) {
          x[i] = bad;
          CHECK(!table->all_finite(n, x.data()));
          x[i] = extremes[i];
        }
    }
}

}  // namespace
