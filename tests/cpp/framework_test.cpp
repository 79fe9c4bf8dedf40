// The framework's figures against direct sums.
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "asap/framework/properties.h"
#include "asap/staleness/histogram.h"
#include "asap/step/policy.h"
#include "check.h"
#include "distributions.h"

namespace {

using namespace asap;
using namespace asap::framework;

const StepContext kContext{.workers = 8, .rate = 0.1, .version = 0};
const SampleWindow kWindow{10, 15};

std::vector<double> tail(Cdf cdf, double amplitude, const Distribution& distribution) {
  return policy::tail_tau(amplitude, cdf, kWindow).table(distribution, kContext).entries();
}

/// E|τ − τ'| of two independent draws.
double mean_difference(const Distribution& distribution) {
  double mean = 0;
  for (Tau a = 0; a <= distribution.max_tau(); ++a)
    for (Tau b = 0; b < a; ++b)
      mean += 2.0 * distribution.probability(a) * distribution.probability(b) * static_cast<double>(a - b);
  return mean;
}

}  // namespace

TEST(tail_tau_keeps_the_mean_of_any_distribution_and_dampens_staleness_by_its_spread) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    const Distribution p = random_distribution(random);
    const double amplitude = static_cast<double>(random() % 101) / 100.0;
    const Properties found = properties_of(tail(Cdf::mid, amplitude, p), p);
    CHECK(found.preserves_mean(1e-12));
    CHECK(found.preserves_priority());
    CHECK(found.is_bounded());
    CHECK_NEAR(found.variance(), amplitude * amplitude * (1.0 - sum_of_powers(p, 3)) / 3.0, 1e-12);
    CHECK_NEAR(found.scaled_staleness, p.mean() - amplitude / 2.0 * mean_difference(p), 1e-10);
    CHECK(found.scaled_staleness <= found.mean_staleness + 1e-12);
    CHECK(found.scaled_squared_staleness <= found.mean_squared_staleness * (1.0 + 1e-12));
    CHECK(found.least >= 1.0 - amplitude - 1e-15 && found.most <= 1.0 + amplitude);
  }
}

TEST(other_forms_of_tail_tau_are_off_by_the_sum_of_squares_and_normalising_mends_them) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    const Distribution p = random_distribution(random);
    const double off = sum_of_powers(p, 2);
    CHECK_NEAR(properties_of(tail(Cdf::inclusive, 1.0, p), p).mean, 1.0 - off, 1e-12);
    CHECK_NEAR(properties_of(tail(Cdf::exclusive, 1.0, p), p).mean, 1.0 + off, 1e-12);
    CHECK(properties_of(normalise(tail(Cdf::exclusive, 1.0, p), p), p).preserves_mean(1e-12));
    CHECK(!properties_of(tail(Cdf::exclusive, 1.0, p), p).preserves_mean(1e-12));
  }
}

TEST(properties_are_those_of_a_distribution_worked_by_hand) {
  const Distribution p({1, 2, 0, 1});  // τ = 0, 1, 1, 3
  const Properties found = properties_of(std::vector{2.0, 0.5, 1.0, 0.0}, p);
  CHECK_NEAR(found.mean, 0.75, 1e-15);
  CHECK_NEAR(found.second_moment, 1.125, 1e-15);
  CHECK_NEAR(found.variance(), 0.5625, 1e-15);
  CHECK_NEAR(found.mean_staleness, 1.25, 1e-15);
  CHECK_NEAR(found.scaled_staleness, 0.25, 1e-15);
  CHECK_NEAR(found.scaled_squared_staleness, 0.25, 1e-15);
  CHECK_NEAR(found.mean_squared_staleness, 2.75, 1e-15);
  CHECK(found.least == 0.0 && found.most == 2.0);
  CHECK(found.leveraged == 0.25 && found.dampened == 0.75 && found.rejected == 0.25);
  CHECK(found.first_violation == Tau{2});
  CHECK(!found.preserves_mean(0.2) && found.preserves_mean(0.25));
}

TEST(the_last_entry_serves_all_larger_tau_and_what_is_not_bounded_is_told) {
  const Distribution p({0, 0, 0, 4});
  CHECK(properties_of(std::vector{5.0, 1.0}, p).mean == 1.0);
  CHECK(!properties_of(std::vector{1.0, -0.5}, p).is_bounded());
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(!properties_of(std::vector{infinity, 1.0}, p).is_bounded());
  CHECK(properties_of(std::vector{infinity, 1.0}, p).mean == 1.0);
  CHECK_THROWS(std::invalid_argument, properties_of(std::vector<double>{}, p), "at least one entry");
  CHECK_THROWS(std::invalid_argument, properties_of(std::vector{1.0, std::nan("")}, p), "C(1) = nan");
  CHECK_THROWS(std::invalid_argument, properties_of(std::vector{1.0}, Distribution()), "at least one update");
  CHECK_THROWS(std::invalid_argument, normalise(std::vector{1.0, 0.0}, p), "E[C] = 0");
}

TEST(the_inverse_is_not_mean_preserving_and_the_constant_is_everything_at_the_least_cost) {
  std::mt19937_64 random(3);
  const Distribution p = random_distribution(random);
  CHECK(!properties_of(policy::inverse().table({}, kContext).entries(), p).preserves_mean(1e-12));
  const Properties constant = properties_of(std::vector{1.0}, p);
  CHECK(constant.preserves_mean(0.0) && constant.second_moment == 1.0);
}
