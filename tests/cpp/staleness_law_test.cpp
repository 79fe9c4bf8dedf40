// MindTheStep: the laws that it fits, against the equations that the likeliest law solves, and its curves, at any τ.
#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "asap/step/policy.h"
#include "asap/step/staleness_law.h"
#include "check.h"
#include "distributions.h"

namespace {

using namespace asap;
using policy::Law;
using policy::StalenessLaw;

const SampleWindow kWindow{10, 15};
const StepContext kContext{.workers = 8, .rate = 0.1};

struct Means {
  double tau = 0, log_factorial = 0;
};

Means seen(const Distribution& distribution) {
  Means means;
  for (Tau tau = 0; tau <= distribution.max_tau(); ++tau) {
    means.tau += distribution.probability(tau) * static_cast<double>(tau);
    means.log_factorial += distribution.probability(tau) * std::lgamma(static_cast<double>(tau) + 1.0);
  }
  return means;
}

/// As somebody would write them down, summed up to `last`.
Means of_law(const StalenessLaw& law, Tau last) {
  double most = law.log_weight(0), sum = 0;
  for (Tau tau = 1; tau <= last; ++tau) most = std::max(most, law.log_weight(static_cast<double>(tau)));
  Means means;
  for (Tau tau = 0; tau <= last; ++tau) {
    const auto t = static_cast<double>(tau);
    const double weight = std::exp(law.log_weight(t) - most);
    sum += weight;
    means.tau += weight * t;
    means.log_factorial += weight * std::lgamma(t + 1.0);
  }
  return {means.tau / sum, means.log_factorial / sum};
}

void check_likeliest(const Distribution& distribution, Tau last) {
  const StalenessLaw law = StalenessLaw::fit(Law::conway_maxwell_poisson, distribution);
  const Means wanted = seen(distribution), found = of_law(law, last);
  if (wanted.tau == 0.0) {
    CHECK(law.nu == 0.0 && law.log_lambda == 0.0);
    return;
  }
  CHECK_NEAR(found.tau, wanted.tau, 1e-8 * wanted.tau);
  if (law.nu == 0.0) CHECK(found.log_factorial <= wanted.log_factorial * (1 + 1e-8));
  if (law.nu == 50.0) CHECK(found.log_factorial >= wanted.log_factorial * (1 - 1e-8));
  if (law.nu > 0.0 && law.nu < 50.0) CHECK_NEAR(found.log_factorial, wanted.log_factorial, 1e-8 * wanted.log_factorial);
}

}  // namespace

TEST(the_likeliest_law_has_the_means_that_were_seen) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 60; ++round) check_likeliest(random_distribution(random), 5'000);
  for (const Tau max_tau : {4'095u, 4'096u, 9'000u})
    check_likeliest(random_distribution_up_to(max_tau, random), 400'000);
  check_likeliest(Distribution({1'000'000, 1}), 100);
  check_likeliest(Distribution({1, 0, 0, 0, 0, 0, 0, 1}), 5'000);
  std::vector<std::uint64_t> constant(6'000);
  constant.back() = 9;
  check_likeliest(Distribution(constant), 20'000);
}

TEST(the_fit_finds_the_law_that_the_counts_follow) {
  for (const double mean : {7.0, 300.0, 6'000.0, 20'000.0})
    for (const double nu : {0.3, 1.0, 2.5}) {
      const double log_lambda = nu * std::log(mean);
      const Distribution counts =
          conway_maxwell_poisson(log_lambda, nu, static_cast<Tau>(mean + 12 * std::sqrt(mean / nu) + 60));
      const StalenessLaw law = StalenessLaw::fit(Law::conway_maxwell_poisson, counts);
      CHECK_NEAR(law.nu, nu, 1e-6 * nu);
      CHECK_NEAR(law.log_lambda, log_lambda, 1e-6 * log_lambda);
    }
  for (const double mean : {5.0, 6'000.0}) {
    const double log_q = std::log(mean / (mean + 1));
    const Distribution counts = conway_maxwell_poisson(log_q, 0.0, static_cast<Tau>(40 * mean));
    CHECK_NEAR(StalenessLaw::fit(Law::geometric, counts).log_lambda, log_q, 1e-9);
    CHECK_NEAR(StalenessLaw::fit(Law::conway_maxwell_poisson, counts).nu, 0.0, 1e-9);
  }
}

// C(τ)/C(τ − 1) is 1/q, τ/λ and τ^ν/λ, from where C is below its cap; C is less than that nowhere, and E[C] = 1.
TEST(the_curves_hold_far_beyond_what_threads_tell_apart) {
  constexpr double kMean = 6'000.0, kCap = 1e280;
  constexpr Tau kFirst = 4'000, kLast = 8'500;
  struct Case {
    Law law;
    double nu;
  };
  for (const auto& [law, nu] :
       {Case{Law::geometric, 0.0}, Case{Law::poisson, 1.0}, Case{Law::conway_maxwell_poisson, 0.4}}) {
    const double log_lambda = nu > 0.0 ? nu * std::log(kMean) : std::log(kMean / (kMean + 1));
    const Distribution p = conway_maxwell_poisson(log_lambda, nu, 8'000);
    const ScaleTable table = policy::mind_the_step(law, kCap, kLast, kWindow).table(p, kContext);
    const double mean = seen(p).tau;
    const double fitted = law == Law::geometric ? std::log(mean / (1 + mean))
                          : law == Law::poisson ? std::log(mean)
                                                : StalenessLaw::fit(law, p).log_lambda;
    const double exponent = law == Law::conway_maxwell_poisson ? StalenessLaw::fit(law, p).nu : nu;
    if (law == Law::conway_maxwell_poisson) CHECK_NEAR(exponent, nu, 1e-5);
    for (Tau tau = kFirst; tau <= kLast; ++tau)
      CHECK_NEAR(std::log(table(tau) / table(tau - 1)), exponent * std::log(static_cast<double>(tau)) - fitted, 1e-9);
    double e = 0;
    for (Tau tau = 0; tau <= p.max_tau(); ++tau) e += p.probability(tau) * table(tau);
    CHECK_NEAR(e, 1.0, 1e-9);
    CHECK_EQUAL(table(kLast + 1), 0.0);
    CHECK_EQUAL(table(1u << 30), 0.0);
    CHECK_EQUAL(table.entries().size(), kLast + 2);
  }
}

TEST(what_is_never_cut_off_goes_on_as_far_as_the_distribution) {
  const Distribution p = conway_maxwell_poisson(std::log(6'000.0), 1.0, 7'000);
  const ScaleTable table = policy::mind_the_step(Law::poisson, 1e280, Tau{1} << 40, kWindow).table(p, kContext);
  CHECK_EQUAL(table.entries().size(), p.max_tau() + 2);
  CHECK_EQUAL(table.reach(), p.max_tau() + 1);
  CHECK(table(p.max_tau() + 1) > table(p.max_tau()));
}
