// Starting values: the laws they follow, and what they depend on.
#include <numbers>

#include "check.h"
#include "model_examples.h"

using namespace examples;
using asap::Initialiser;
using asap::Network;
using asap::Parameter;

namespace {

Network make(asap::Shape input, Layers layers) { return {input, std::move(layers), asap::Loss::softmax_cross_entropy}; }

std::vector<float> initial(const Network& network, Initialiser initialiser, std::uint64_t seed = 1) {
  std::vector<float> theta(network.num_parameters(), -7);
  network.initialise(initialiser, seed, theta);
  return theta;
}

double mean_power(const std::vector<float>& values, int power) {
  double sum = 0;
  for (const float value : values) sum += std::pow(value, power);
  return sum / static_cast<double>(values.size());
}

/// A law's fourth and eighth moments, for variance 1.
struct Law {
  double fourth, eighth;
};
constexpr Law kNormal{3, 105}, kUniform{9.0 / 5, 9};

/// Mean 0, the given variance and the law's fourth moment, each within five standard errors.
void check_moments(const std::vector<float>& values, double variance, Law law) {
  const auto n = static_cast<double>(values.size());
  CHECK_NEAR(mean_power(values, 1), 0, 5 * std::sqrt(variance / n));
  CHECK_NEAR(mean_power(values, 2) / variance, 1, 5 * std::sqrt((law.fourth - 1) / n));
  CHECK_NEAR(mean_power(values, 4) / (variance * variance), law.fourth,
             5 * std::sqrt((law.eighth - law.fourth * law.fourth) / n));
}

double largest(const std::vector<float>& values) {
  double result = 0;
  for (const float value : values) result = std::max(result, std::abs(static_cast<double>(value)));
  return result;
}

const Network& dense_and_convolution() {
  static const Network network = make({5, 8, 8}, {Conv2d{40, 3}, Relu{}, Dense{30}});
  return network;
}

std::vector<float> part_of(const std::vector<float>& theta, std::size_t index) {
  return part(theta, dense_and_convolution().parameters()[index]);
}

}  // namespace

TEST(papers_values_are_normal_with_deviation_one_hundredth) {
  const auto theta = initial(dense_and_convolution(), Initialiser::papers);
  check_moments(part_of(theta, 0), 1e-4, kNormal);
  check_moments(part_of(theta, 2), 1e-4, kNormal);
  check_moments(part(initial(make({4}, {Dense{5000}}), Initialiser::papers), {"", {5000}, 20000}), 1e-4, kNormal);
}

TEST(he_weights_are_normal_with_variance_two_over_inputs_and_biases_zero) {
  const auto theta = initial(dense_and_convolution(), Initialiser::he);
  check_moments(part_of(theta, 0), 2.0 / 45, kNormal);
  check_moments(part_of(theta, 2), 2.0 / 1440, kNormal);
  CHECK_EQUAL(largest(part_of(theta, 1)), 0.0);
  CHECK_EQUAL(largest(part_of(theta, 3)), 0.0);
}

TEST(glorot_weights_are_uniform_up_to_their_limit_and_biases_zero) {
  const auto theta = initial(dense_and_convolution(), Initialiser::glorot);
  const double convolution = std::sqrt(6.0 / (5 * 9 + 40 * 9)), dense = std::sqrt(6.0 / (1440 + 30));
  check_moments(part_of(theta, 0), convolution * convolution / 3, kUniform);
  check_moments(part_of(theta, 2), dense * dense / 3, kUniform);
  CHECK_NEAR(largest(part_of(theta, 0)), convolution, 0.01 * convolution);
  CHECK_NEAR(largest(part_of(theta, 2)), dense, 0.01 * dense);
  CHECK(largest(part_of(theta, 2)) <= dense * (1 + 1e-7));
  CHECK_EQUAL(largest(part_of(theta, 1)), 0.0);
  CHECK_EQUAL(largest(part_of(theta, 3)), 0.0);
}

TEST(the_seed_fixes_the_values) {
  for (const auto initialiser : {Initialiser::papers, Initialiser::he, Initialiser::glorot}) {
    const auto theta = initial(dense_and_convolution(), initialiser, 3);
    CHECK(theta == initial(dense_and_convolution(), initialiser, 3));
    CHECK(theta != initial(dense_and_convolution(), initialiser, 4));
  }
}

TEST(a_parameter_does_not_depend_on_the_sizes_of_the_others) {
  const auto narrow = make({8}, {Dense{4}, Dense{6}, Dense{4}}), wide = make({8}, {Dense{4}, Dense{9}, Dense{4}});
  const auto from_narrow = initial(narrow, Initialiser::papers), from_wide = initial(wide, Initialiser::papers);
  for (const std::size_t same : {0, 1, 5})
    CHECK(part(from_narrow, narrow.parameters()[same]) == part(from_wide, wide.parameters()[same]));
  CHECK(part(from_narrow, narrow.parameters()[1]) != part(from_narrow, narrow.parameters()[5]));
}

TEST(a_value_follows_from_the_seed_and_the_parameter_alone) {
  const auto network = make({2}, {Dense{2}});
  const auto word = asap::philox4x32({0, 0, 1, 0}, {9, 0});
  const auto uniform = [&](std::size_t i) {
    return static_cast<double>((word[i] | std::uint64_t{word[i + 1]} << 32) >> 11) * 0x1p-53;
  };
  const double radius = std::sqrt(-2 * std::log(1 - uniform(0))), angle = 2 * std::numbers::pi * uniform(2);
  const auto bias = part(initial(network, Initialiser::papers, 9), network.parameters()[1]);
  CHECK_NEAR(bias[0], 0.01 * radius * std::cos(angle), 1e-9);
  CHECK_NEAR(bias[1], 0.01 * radius * std::sin(angle), 1e-9);
}
