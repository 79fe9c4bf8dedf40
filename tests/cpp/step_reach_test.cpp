// How far scale tables go: each follows its formula beyond what threads tell apart, and no further than is needed.
#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "asap/framework/properties.h"
#include "asap/staleness/forgetting.h"
#include "asap/staleness/histogram.h"
#include "asap/step/adaptation.h"
#include "asap/step/policy.h"
#include "asap/step/tabulate.h"
#include "check.h"
#include "distributions.h"

namespace {

using namespace asap;

constexpr double kRate = 0.1;
const StepContext kContext{.workers = 8, .rate = kRate};
const SampleWindow kWindow{10, 15};

struct Curve {
  Policy policy;
  std::function<double(double)> scale;
};

/// Steps with their closed forms, which turn at b.
std::vector<Curve> curves_turning_at(Tau turn) {
  const auto b = static_cast<double>(turn);
  const double smoothness = 1.0 / (4.0 * kRate * b);  // then 1/(4Lητ) = 1 at b
  const auto falls = [b](double tau) { return tau <= b ? 1.0 : b / tau; };
  return {
      {policy::hinge(10.0, turn), [b](double tau) { return tau <= b ? 1.0 : 1.0 / (10.0 * (tau - b) + 1.0); }},
      {policy::threshold(turn, std::nullopt), [b](double tau) { return tau <= b ? 1.0 : 0.0; }},
      {policy::threshold(turn, smoothness), falls},
      {policy::threshold(5, smoothness), falls},
      {policy::ringmaster(turn), [b](double tau) { return tau < b ? 1.0 : 0.0; }},
      {policy::clipped(policy::ringmaster(turn), 0.25, 2.0), [b](double tau) { return tau < b ? 1.0 : 0.25; }},
  };
}

void check_curve(const Curve& curve, const ScaleTable& table, Tau last) {
  double worst = 0;
  for (Tau tau = 0; tau <= last; ++tau)
    worst = std::max(worst, std::abs(table(tau) - curve.scale(static_cast<double>(tau))));
  CHECK_NEAR(worst, 0.0, 1e-12);
}

/// Somebody who looks up alone, as a simulation does.
Adaptation adaptation_of(const Policy& policy) {
  return Adaptation(policy, {.workers = 8, .rate = Rate::constant(kRate)});
}

}  // namespace

TEST(a_turn_beyond_what_threads_tell_apart_is_in_the_table) {
  for (const Tau turn : {4'094u, 4'095u, 4'096u, 5'000u, 10'000u, 100'000u})
    for (const Curve& curve : curves_turning_at(turn))
      check_curve(curve, curve.policy.table({}, kContext), turn + 4'000);
}

TEST(a_table_goes_as_far_as_the_distribution_that_it_is_made_for) {
  std::mt19937_64 random(1);
  const double beta = 2.0 / 9'000.0 * std::log1p(9'000.0 / 2.0);
  for (const Tau max_tau : {4'095u, 4'096u, 5'999u, 12'000u, 70'000u}) {
    const Distribution seen = random_distribution_up_to(max_tau, random);
    const std::vector<Curve> curves{
        {policy::inverse(), [](double tau) { return 1.0 / std::max(tau, 1.0); }},
        {policy::power(0.5), [](double tau) { return 1.0 / std::sqrt(tau + 1.0); }},
        {policy::exponential(1e-4), [](double tau) { return std::exp(-1e-4 * tau); }},
        {policy::delay_adaptive(), [](double tau) { return std::min(1.0, 8.0 / std::max(tau, 1.0)); }},
        {policy::fleet(9'000.0, kWindow), [beta](double tau) { return std::exp(-beta * tau); }},
    };
    for (const Curve& curve : curves) {
      check_curve(curve, curve.policy.table(seen, kContext), max_tau + 1);
      const ScaleTable normalised = policy::normalised(curve.policy, kWindow).table(seen, kContext);
      CHECK_NEAR(framework::properties_of(normalised.entries(), seen).mean, 1.0, 1e-12);
      CHECK_NEAR(normalised(max_tau + 1) / normalised(0), curve.scale(static_cast<double>(max_tau + 1)), 1e-12);
    }
  }
}

TEST(a_table_becomes_longer_when_a_simulation_meets_what_is_staler) {
  for (const Tau turn : {5u, 5'000u, 3'145'728u})
    for (const Curve& curve : curves_turning_at(turn)) {
      Adaptation adaptation = adaptation_of(curve.policy);
      for (const Tau tau : {0u, 4'096u, 20'000u, 19'999u, 3'000'000u, 3'145'727u, 3'145'728u, 3'145'729u, 4'000'000u})
        CHECK_NEAR(adaptation.scale(tau), curve.scale(static_cast<double>(tau)), 1e-12);
      CHECK_EQUAL(adaptation.state().log.tables.size(), 1u);
      CHECK(adaptation.state().log.tables.back().entries == adaptation.table().entries());
    }
}

TEST(a_longer_table_has_the_rate_and_the_sample_of_the_one_before) {
  const Distribution seen({0, 3, 4, 5});
  const Policy policy = policy::normalised(policy::inverse(), OnlineSample{.every = 1, .half_life = 1});
  Adaptation adaptation(policy, {.workers = 1});
  adaptation.refresh(12, 12, seen);
  const double first = adaptation.scale(1);
  CHECK_NEAR(adaptation.scale(50'000), first / 50'000, 1e-15);
  CHECK_EQUAL(adaptation.scale(1), first);

  Adaptation falling(policy::threshold(2, 0.5), {.workers = 1, .rate = Rate::step(0.1, 0.5, 10)},
                     10);  // η = 0.05 when the table is made
  CHECK_NEAR(falling.scale(40'000), 1.0 / (4 * 0.5 * 0.05 * 40'000), 1e-15);
}

TEST(tables_are_no_longer_than_they_need_be) {
  const auto size = [](const Policy& policy) { return policy.table({}, kContext).entries().size(); };
  CHECK_EQUAL(size(policy::constant()), 1u);
  CHECK_EQUAL(size(policy::inverse()), kTauBins);
  CHECK_EQUAL(size(policy::ringmaster(7)), 8u);
  CHECK_EQUAL(size(policy::threshold(7, std::nullopt)), 9u);
  CHECK_EQUAL(size(policy::hinge(1.0, 5'000)), 5'000 + kTauBins);
  const Tau never = Tau{1} << 50;  // on threads such a turn is met by nobody
  for (const Curve& curve : curves_turning_at(never)) {
    CHECK_EQUAL(size(curve.policy), kTauBins);
    CHECK_EQUAL(curve.policy.table({}, kContext)(1u << 30), 1.0);
  }
  const Policy law = policy::mind_the_step(policy::Law::geometric, 5.0, 150, kWindow);
  CHECK_EQUAL(law.table(Distribution({1, 2, 3}), kContext).entries().size(), 152u);
}

TEST(tail_tau_keeps_the_mean_on_histograms_of_any_width_and_has_1_minus_a_beyond) {
  std::mt19937_64 random(2);
  for (const Tau max_tau : {4'093u, 4'094u, 4'095u, 4'096u, 5'000u, 9'999u, 70'000u})
    for (const Cdf cdf : {Cdf::mid, Cdf::inclusive, Cdf::exclusive}) {
      const Distribution seen = random_distribution_up_to(max_tau, random);
      const double amplitude = static_cast<double>(random() % 1001) / 1000.0;
      const ScaleTable table = policy::tail_tau(amplitude, cdf, kWindow).table(seen, kContext);
      const double off = cdf == Cdf::mid ? 0.0 : (cdf == Cdf::inclusive ? -1.0 : 1.0) * sum_of_powers(seen, 2);
      CHECK_NEAR(framework::properties_of(table.entries(), seen).mean, 1.0 + amplitude * off, 1e-12);
      CHECK_EQUAL(table.entries().size(), max_tau + 2);
      CHECK_EQUAL(table(max_tau + 1), 1.0 - amplitude);
      CHECK_EQUAL(table(max_tau + 1'000'000), 1.0 - amplitude);
      CHECK(table(max_tau) >= table(max_tau + 1));
    }
}

// Threads count every τ ≥ 4,095 as 4,095: all of these are in F there, and have its C.
TEST(an_open_ended_last_bin_has_one_scale_and_the_mean_is_kept) {
  TauHistogram histogram;
  for (const Tau tau : {3u, 3u, 4'095u, 1'000'000u}) histogram.add(tau);
  const Distribution seen = histogram.distribution();
  CHECK(seen.is_open_ended());
  const ScaleTable table = policy::tail_tau(1.0, Cdf::mid, kWindow).table(seen, kContext);
  CHECK_EQUAL(table.entries().size(), kTauBins);
  CHECK_EQUAL(table(3), 1.5);
  for (const Tau tau : {4'095u, 4'096u, 1'000'000u}) CHECK_EQUAL(table(tau), 0.5);
  CHECK(Distribution({0, 0, 4}, 30).is_open_ended() && !Distribution({0, 0, 4}, 8).is_open_ended());
}

TEST(an_open_end_is_kept_while_it_is_remembered) {
  TauHistogram histogram;
  histogram.add(4'095);
  const Distribution before = histogram.distribution();
  histogram.add(7);
  const Distribution now = histogram.distribution();
  CHECK(now.is_open_ended() && !since(before, now).is_open_ended());
  Distribution weights = forget({}, now, 10.0);
  CHECK(weights.is_open_ended());
  weights = forget(weights, since(before, now), 10.0);
  CHECK(weights.is_open_ended() && weights.max_tau() == 4'095);
  for (int i = 0; i < 300; ++i) weights = forget(weights, Distribution({1}), 10.0);
  CHECK(!weights.is_open_ended() && weights.max_tau() == 0);
}
