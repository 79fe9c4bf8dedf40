// The framework's figures against direct sums, and its bounds against searches.
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "asap/framework/bounds.h"
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
const Constants kConstants{.smoothness = 4.0, .gradient = 9.0, .distance = 2.0, .gap = 5.0, .curvature = 0.5};

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

TEST(the_best_rate_is_the_best_of_a_search) {
  const Distribution p({3, 4, 2, 1});
  const Bounds found = bounds(properties_of(tail(Cdf::mid, 1.0, p), p), kConstants);
  for (const auto& bound : {found.convex, found.convex_views, found.non_convex, found.polyak_lojasiewicz})
    for (const std::uint64_t updates : {1, 2, 10, 1000, 1'000'000}) {
      const double best = bound->best_rate(updates), value = (*bound)(best, updates);
      for (double factor = 0.01; factor < 100; factor *= 1.01)
        CHECK(value <= (*bound)(best * factor, updates) * (1.0 + 1e-12));
    }
}

TEST(updates_to_an_error_are_the_fewest_that_reach_it) {
  const Distribution p({3, 4, 2, 1});
  const Bounds found = bounds(properties_of(std::vector{1.0}, p), kConstants);
  for (const auto& bound : {found.convex, found.convex_views, found.non_convex, found.polyak_lojasiewicz})
    for (const double error : {3.0, 0.1, 0.001}) {
      const std::uint64_t updates = bound->updates_to(error);
      CHECK((*bound)(bound->best_rate(updates), updates) <= error * (1.0 + 1e-12));
      if (updates > 1) CHECK((*bound)(bound->best_rate(updates - 1), updates - 1) > error * (1.0 - 1e-12));
    }
  CHECK_THROWS(std::invalid_argument, found.convex->updates_to(1e-30), "reachable");
}

TEST(bounds_are_their_formulas_and_a_scale_counts_as_its_mean_times_the_normalised_one) {
  const Distribution p({0, 0, 5});  // τ = 2
  const double eta = 0.01, moment = 1.0 + eta * 4.0 * 4.0;
  const Bounds one = bounds(properties_of(std::vector{1.0}, p), kConstants);
  CHECK_NEAR((*one.convex)(eta, 100), 4.0 / (2 * eta * 100) + eta * 9.0 / 2 * moment, 1e-12);
  CHECK_NEAR((*one.convex_views)(eta, 100), 4.0 / (2 * eta * 100) + eta * 9.0 * 2.5, 1e-12);
  CHECK_NEAR((*one.non_convex)(eta, 100), 2 * 5.0 / (eta * 100) + eta * 4.0 * 9.0 * moment, 1e-12);
  CHECK_NEAR((*one.polyak_lojasiewicz)(eta, 100),
             std::pow(1 - eta * 0.5, 100) * 5.0 + eta * 4.0 * 9.0 / (2 * 0.5) * moment, 1e-12);
  CHECK((*one.polyak_lojasiewicz)(2.01, 1) == std::numeric_limits<double>::infinity());

  const Bounds half = bounds(properties_of(std::vector{0.5}, p), kConstants);
  CHECK_NEAR((*half.non_convex)(2 * eta, 100), (*one.non_convex)(eta, 100), 1e-12);
  CHECK_NEAR(half.convex->best_rate(50), 2 * one.convex->best_rate(50), 1e-12);
}

TEST(bounds_ask_for_what_they_need) {
  const Distribution p({1, 1});
  const Properties properties = properties_of(std::vector{1.0}, p);
  const Bounds none = bounds(properties, {.smoothness = 1, .gradient = 1});
  CHECK(!none.convex && !none.convex_views && !none.non_convex && !none.polyak_lojasiewicz);
  CHECK_THROWS(std::invalid_argument, bounds(properties, {.smoothness = 0, .gradient = 1}), "smoothness");
  CHECK_THROWS(std::invalid_argument, bounds(properties, {.smoothness = 1, .gradient = 1, .gap = 1, .curvature = 2}),
               "curvature must be at most");
  CHECK_THROWS(std::invalid_argument, bounds(properties_of(std::vector{0.0}, p), kConstants), "the mean of scale");
  CHECK_THROWS(std::invalid_argument, bounds(properties_of(std::vector{1.0, -1.0}, p), kConstants), "between 0 and");
}
