// The framework's bounds against their formulas, worked out anew, and against searches.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "asap/framework/bounds.h"
#include "asap/framework/properties.h"
#include "check.h"

namespace {

using namespace asap;
using namespace asap::framework;

const Constants kConstants{.smoothness = 4.0, .gradient = 9.0, .distance = 2.0, .gap = 5.0, .curvature = 0.5};

// An uneven scale whose mean is not 1, over an uneven histogram: no two of its moments are alike.
const std::vector<double> kScale{1.9, 1.1, 1.3, 0.4};
const Distribution kSeen({3, 0, 2, 4, 0, 1});  // C(5) is C(3)

/// A bound as a function of the base rate η and the updates T.
using Formula = std::function<double(double, double)>;

struct Formulas {
  Formula convex, convex_views, non_convex, polyak_lojasiewicz;
};

/// Those of the reference, with the moments of C / E[C] and the rate η·E[C], written down from ten updates.
Formulas formulas() {
  constexpr double kL = 4.0, kM2 = 9.0, kD = 2.0, kGap = 5.0, kMu = 0.5;
  const double mean = (3 * 1.9 + 2 * 1.3 + 5 * 0.4) / 10;
  const double c2 = (3 * 1.9 * 1.9 + 2 * 1.3 * 1.3 + 5 * 0.4 * 0.4) / 10 / (mean * mean);
  const double c_tau = (2 * 1.3 * 2 + 4 * 0.4 * 3 + 0.4 * 5) / 10 / mean;
  const double c_tau2 = (2 * 1.3 * 4 + 4 * 0.4 * 9 + 0.4 * 25) / 10 / mean;
  const auto of_step = [mean](auto bound) {
    return [=](double rate, double updates) { return bound(rate * mean, updates); };
  };
  const auto delay = [=](double eta) { return c2 * (1 + eta * kL * c_tau2); };
  return {of_step([=](double eta, double t) { return kD * kD / (2 * eta * t) + eta * kM2 / 2 * delay(eta); }),
          of_step([=](double eta, double t) { return kD * kD / (2 * eta * t) + eta * kM2 * (c_tau + c2 / 2); }),
          of_step([=](double eta, double t) { return 2 * kGap / (eta * t) + eta * kL * kM2 * delay(eta); }),
          of_step([=](double eta, double t) {
            return std::pow(1 - eta * kMu, t) * kGap + eta * kL * kM2 / (2 * kMu) * delay(eta);
          })};
}

/// The rate with the smallest bound after so many updates: the formula falls before it and rises behind it.
double searched_rate(const Formula& formula, double updates) {
  double low = 1e-9, high = 1.0;  // η·E[C] ≤ 1/μ for both
  for (int step = 0; step < 200; ++step) {
    const double left = std::cbrt(low * low * high), right = std::cbrt(low * high * high);
    if (formula(left, updates) > formula(right, updates))
      low = left;
    else
      high = right;
  }
  return std::sqrt(low * high);
}

/// What is to be true of each bound, and of its formula.
template <class Check>
void for_each_bound(Check check) {
  const Bounds found = bounds(properties_of(kScale, kSeen), kConstants);
  const Formulas expected = formulas();
  check(*found.convex, expected.convex);
  check(*found.convex_views, expected.convex_views);
  check(*found.non_convex, expected.non_convex);
  check(*found.polyak_lojasiewicz, expected.polyak_lojasiewicz);
}

}  // namespace

TEST(bounds_of_an_uneven_scale_are_their_formulas) {
  for_each_bound([](const Bound& bound, const Formula& formula) {
    for (const double rate : {1e-4, 0.003, 0.1, 1.5})
      for (const std::uint64_t updates : {1, 7, 1000, 1'000'000}) {
        const double expected = formula(rate, static_cast<double>(updates));
        CHECK_NEAR(bound(rate, updates), expected, 1e-9 * expected);
      }
  });
}

TEST(the_best_rate_is_that_of_a_search_in_the_formula) {
  for_each_bound([](const Bound& bound, const Formula& formula) {
    for (const std::uint64_t updates : {100, 10'000, 1'000'000}) {
      const double expected = searched_rate(formula, static_cast<double>(updates));
      CHECK_NEAR(bound.best_rate(updates), expected, 1e-5 * expected);
    }
  });
}

TEST(updates_to_an_error_are_the_fewest_whose_best_formula_reaches_it) {
  for_each_bound([](const Bound& bound, const Formula& formula) {
    const auto best = [&](std::uint64_t updates) {
      const auto count = static_cast<double>(updates);
      return formula(searched_rate(formula, count), count);
    };
    for (const double error : {3.0, 0.3, 0.03}) {
      const std::uint64_t updates = bound.updates_to(error);
      CHECK(updates > 1);
      CHECK(best(updates) <= error * (1.0 + 1e-9));
      CHECK(best(updates - 1) > error * (1.0 - 1e-9));
    }
  });
}

TEST(the_best_rate_is_the_best_of_a_search) {
  const Bounds found = bounds(properties_of(kScale, kSeen), kConstants);
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
