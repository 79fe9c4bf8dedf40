// Policies against their closed forms, schedules, and the switch of tables under running readers.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numbers>
#include <random>
#include <thread>
#include <vector>

#include "asap/staleness/histogram.h"
#include "asap/step/policy.h"
#include "asap/step/rate.h"
#include "asap/step/scale_table.h"
#include "asap/step/staleness_law.h"
#include "check.h"
#include "distributions.h"

namespace {

using namespace asap;

const StepContext kContext{.workers = 8, .rate = 0.1, .version = 0};
const SampleWindow kWindow{10, 15};

double mean_scale(const ScaleTable& table, const Distribution& distribution) {
  double mean = 0;
  for (Tau tau = 0; tau <= distribution.max_tau(); ++tau) mean += distribution.probability(tau) * table(tau);
  return mean;
}

template <class Function>
void check_curve(const Policy& policy, Function expected) {
  const ScaleTable table = policy.table({}, kContext);
  for (Tau tau = 0; tau < kTauBins; ++tau) CHECK_NEAR(table(tau), expected(static_cast<double>(tau)), 1e-15);
}

}  // namespace

TEST(closed_forms_hold_over_the_whole_curve) {
  check_curve(policy::constant(), [](double) { return 1.0; });
  check_curve(policy::inverse(), [](double tau) { return tau == 0 ? 1.0 : 1.0 / tau; });
  check_curve(policy::inverse_plus_one(), [](double tau) { return 1.0 / (tau + 1.0); });
  check_curve(policy::power(0.5), [](double tau) { return 1.0 / std::sqrt(tau + 1.0); });
  check_curve(policy::hinge(10.0, 4), [](double tau) { return tau <= 4 ? 1.0 : 1.0 / (10.0 * (tau - 4) + 1.0); });
  check_curve(policy::exponential(0.3), [](double tau) { return std::exp(-0.3 * tau); });
  check_curve(policy::delay_adaptive(), [](double tau) { return std::min(1.0, 8.0 / std::max(tau, 1.0)); });
  check_curve(policy::threshold(5, std::nullopt), [](double tau) { return tau <= 5 ? 1.0 : 0.0; });
  check_curve(policy::threshold(5, 0.5), [](double tau) { return tau <= 5 ? 1.0 : std::min(1.0, 5.0 / tau); });
  check_curve(policy::threshold(std::nullopt, std::nullopt), [](double tau) { return tau <= 8 ? 1.0 : 0.0; });
  check_curve(policy::ringmaster(7), [](double tau) { return tau < 7 ? 1.0 : 0.0; });
  const double beta = 2.0 / 12.0 * std::log(1.0 + 12.0 / 2.0);
  check_curve(policy::fleet(12.0, kWindow), [&](double tau) { return std::exp(-beta * tau); });
}

TEST(mind_the_step_divides_by_the_law_that_was_seen) {
  std::mt19937_64 random(4);
  std::geometric_distribution<int> geometric(0.2);
  std::poisson_distribution<int> poisson(7.0);
  std::vector<std::uint64_t> counts(200);
  for (int i = 0; i < 100'000; ++i) ++counts[static_cast<std::size_t>(geometric(random))];
  const Distribution of_geometric(counts);
  const double q = of_geometric.mean() / (1.0 + of_geometric.mean());
  const ScaleTable table =
      policy::mind_the_step(policy::Law::geometric, 1e300, 150, kWindow).table(of_geometric, kContext);
  for (Tau tau = 1; tau <= 150; ++tau) CHECK_NEAR(table(tau) / table(tau - 1), 1.0 / q, 1e-9);
  CHECK(table(151) == 0.0);
  CHECK_NEAR(mean_scale(table, of_geometric), 1.0, 1e-9);

  counts.assign(200, 0);
  for (int i = 0; i < 100'000; ++i) ++counts[static_cast<std::size_t>(poisson(random))];
  const Distribution of_poisson(counts);
  const auto fitted = [&](policy::Law law) { return policy::StalenessLaw::fit(law, of_poisson); };
  CHECK_NEAR(std::exp(fitted(policy::Law::poisson).log_lambda), of_poisson.mean(), 1e-12);
  const policy::StalenessLaw free = fitted(policy::Law::conway_maxwell_poisson);
  CHECK_NEAR(free.nu, 1.0, 0.02);
  CHECK_NEAR(free.log_lambda, std::log(of_poisson.mean()), 0.05);
  CHECK_NEAR(policy::StalenessLaw::fit(policy::Law::conway_maxwell_poisson, of_geometric).nu, 0.0, 0.02);
}

TEST(mind_the_step_keeps_the_mean_whatever_outlier_the_sample_has) {
  for (const auto law : {policy::Law::geometric, policy::Law::poisson, policy::Law::conway_maxwell_poisson})
    for (const Tau outlier : {Tau{5}, Tau{60}, Tau{150}, Tau{200}, Tau{3000}}) {
      std::vector<std::uint64_t> counts{1000, 400, 100};
      counts.resize(outlier + 1);
      counts[outlier] = 1;
      const Distribution p(counts);
      const ScaleTable table = policy::mind_the_step(law, 5.0, 150, kWindow).table(p, kContext);
      CHECK_NEAR(mean_scale(table, p), 1.0, 1e-12);
      CHECK(table(0) > 0.3 && table(1) > 0.3);
      CHECK_EQUAL(table(outlier) == 0.0, outlier > 150);
    }
}

// C = min(5, a/p) up to `last`: wherever it is below the cap, the ratios are those of the law.
TEST(mind_the_step_is_the_law_below_its_cap) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 60; ++round) {
    const Distribution p = random_distribution(random);
    for (const auto law : {policy::Law::geometric, policy::Law::poisson, policy::Law::conway_maxwell_poisson}) {
      const ScaleTable table = policy::mind_the_step(law, 5.0, 20, kWindow).table(p, kContext);
      const policy::StalenessLaw fitted = policy::StalenessLaw::fit(law, p);
      double least = 1e300, most = -1e300;  // of log C·p below the cap: one constant
      for (Tau tau = 0; tau <= 20; ++tau) {
        if (table(tau) >= 5.0 || table(tau) < 1e-300) continue;
        const double constant = std::log(table(tau)) + fitted.log_weight(static_cast<double>(tau));
        least = std::min(least, constant);
        most = std::max(most, constant);
      }
      CHECK(most < least || most - least < 1e-8);
      double kept = 0.0;
      for (Tau tau = 0; tau <= 20; ++tau) kept += p.probability(tau);
      CHECK_NEAR(mean_scale(table, p), std::min(1.0, 5.0 * kept), 1e-9);
    }
  }
  CHECK_THROWS(std::invalid_argument,
               policy::mind_the_step(policy::Law::poisson, 5.0, 2, kWindow).table(Distribution({0, 0, 0, 9}), kContext),
               "last must be at least the smallest staleness of the sample");
}

TEST(mind_the_step_keeps_the_mean_but_for_its_cap_and_its_end) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 60; ++round) {
    const Distribution p = random_distribution(random);
    for (const auto law : {policy::Law::geometric, policy::Law::poisson, policy::Law::conway_maxwell_poisson}) {
      CHECK_NEAR(mean_scale(policy::mind_the_step(law, 1e300, 5000, kWindow).table(p, kContext), p), 1.0, 1e-9);
      const ScaleTable capped = policy::mind_the_step(law, 5.0, 20, kWindow).table(p, kContext);
      CHECK(*std::max_element(capped.entries().begin(), capped.entries().end()) <= 5.0);
      CHECK(capped(21) == 0.0 && capped(5000) == 0.0);
    }
  }
  CHECK(policy::mind_the_step(policy::Law::poisson, 5.0, 150, kWindow).table(Distribution({7}), kContext)(0) == 1.0);
}

TEST(composed_policies_scale_and_clip_another_one) {
  std::mt19937_64 random(6);
  const Policy normalised = policy::normalised(policy::inverse(), kWindow);
  CHECK(std::get<SampleWindow>(*normalised.sample).first == kWindow.first &&
        normalised.table({}, kContext).entries() == std::vector{1.0});
  for (int round = 0; round < 100; ++round) {
    const Distribution p = random_distribution(random);
    const ScaleTable table = normalised.table(p, kContext);
    CHECK_NEAR(mean_scale(table, p), 1.0, 1e-12);
    CHECK_NEAR(table(7) / table(2), 2.0 / 7.0, 1e-12);
    const Policy clipped =
        policy::clipped(policy::normalised(policy::tail_tau(1.0, Cdf::mid, SampleWindow{3, 4}), kWindow), 0.5, 1.5);
    CHECK(std::get<SampleWindow>(*clipped.sample).first == 3);
    for (Tau tau = 0; tau < 70; ++tau)
      CHECK_NEAR(clipped.table(p, kContext)(tau), std::clamp(1.0 + 1.0 - 2.0 * p.cdf(tau, Cdf::mid), 0.5, 1.5), 1e-12);
  }
  CHECK_THROWS(std::invalid_argument,
               policy::normalised(policy::ringmaster(2), kWindow).table(Distribution({0, 0, 1}), kContext), "E[C] = 0");
}

TEST(fleet_takes_its_threshold_from_the_workers_and_then_from_the_distribution) {
  const Policy fleet = policy::fleet(std::nullopt, kWindow);
  CHECK(fleet.table({}, kContext).entries() == policy::fleet(9.0, kWindow).table({}, kContext).entries());
  std::vector<std::uint64_t> counts(31);
  counts[2] = 990;
  counts[30] = 10;  // the 99.7th percentile
  const auto measured = fleet.table(Distribution(counts), kContext).entries();
  CHECK(measured == policy::fleet(30.0, kWindow).table({}, kContext).entries());
}

TEST(tail_tau_with_the_mid_cdf_keeps_the_mean_whatever_the_distribution) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 500; ++i) {
    const Distribution distribution = random_distribution(random);
    const double amplitude = static_cast<double>(random() % 1001) / 1000.0;
    const ScaleTable table = policy::tail_tau(amplitude, Cdf::mid, kWindow).table(distribution, kContext);
    CHECK_NEAR(mean_scale(table, distribution), 1.0, 1e-12);
  }
}

TEST(tail_tau_as_published_misses_the_mean_by_the_sum_of_squares) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 200; ++i) {
    const Distribution distribution = random_distribution(random);
    const double off = sum_of_powers(distribution, 2);
    const auto mean = [&](Cdf cdf) {
      return mean_scale(policy::tail_tau(1.0, cdf, kWindow).table(distribution, kContext), distribution);
    };
    CHECK_NEAR(mean(Cdf::inclusive), 1.0 - off, 1e-12);
    CHECK_NEAR(mean(Cdf::exclusive), 1.0 + off, 1e-12);
  }
}

TEST(tail_tau_has_the_variance_of_its_closed_form) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200; ++i) {
    const Distribution distribution = random_distribution(random);
    const double amplitude = 0.7;
    const ScaleTable table = policy::tail_tau(amplitude, Cdf::mid, kWindow).table(distribution, kContext);
    double variance = 0;
    for (Tau tau = 0; tau <= distribution.max_tau(); ++tau)
      variance += distribution.probability(tau) * (table(tau) - 1.0) * (table(tau) - 1.0);
    CHECK_NEAR(variance, amplitude * amplitude * (1.0 - sum_of_powers(distribution, 3)) / 3.0, 1e-12);
  }
}

TEST(tail_tau_favours_fresh_gradients_and_stays_in_its_range) {
  std::mt19937_64 random(4);
  for (int i = 0; i < 200; ++i) {
    const Distribution distribution = random_distribution(random);
    for (const Cdf cdf : {Cdf::mid, Cdf::inclusive, Cdf::exclusive}) {
      const ScaleTable table = policy::tail_tau(0.9, cdf, kWindow).table(distribution, kContext);
      for (Tau tau = 0; tau <= distribution.max_tau() + 2; ++tau) {
        CHECK(table(tau + 1) <= table(tau) + 1e-15);
        CHECK(table(tau) >= 0.1 - 1e-12 && table(tau) <= 1.9 + 1e-12);
      }
      CHECK_NEAR(table(distribution.max_tau() + 1), 1.0 - 0.9, 1e-15);
    }
  }
}

TEST(tail_tau_is_constant_until_it_has_its_sample) {
  CHECK(policy::tail_tau(1.0, Cdf::mid, kWindow).table({}, kContext).entries() == std::vector<double>{1.0});
}

TEST(arguments_out_of_range_are_named) {
  CHECK_THROWS(std::invalid_argument, policy::tail_tau(1.5, Cdf::mid, kWindow), "amplitude must be in [0, 1]; got 1.5");
  CHECK_THROWS(std::invalid_argument, policy::tail_tau(1.0, Cdf::mid, SampleWindow{15, 15}), "got (15, 15)");
  CHECK_THROWS(std::invalid_argument, policy::fleet(-1.0, kWindow), "threshold");
  CHECK_THROWS(std::invalid_argument, policy::power(-0.5), "exponent must be a finite number ≥ 0; got -0.5");
  CHECK_THROWS(std::invalid_argument, policy::hinge(-1.0, 4), "slope must be");
  CHECK_THROWS(std::invalid_argument, policy::exponential(-1.0), "decay must be");
  CHECK_THROWS(std::invalid_argument, policy::threshold(4, 0.0), "smoothness must be a finite number above 0; got 0");
  CHECK_THROWS(std::invalid_argument, policy::ringmaster(0), "limit must be at least 1");
  CHECK_THROWS(std::invalid_argument, policy::mind_the_step(policy::Law::poisson, 0.0, 150, kWindow), "cap must be");
  CHECK_THROWS(std::invalid_argument, policy::clipped(policy::constant(), 2.0, 1.0), "got 2 and 1");
  CHECK_THROWS(std::invalid_argument, policy::normalised(policy::constant(), SampleWindow{4, 4}), "got (4, 4)");
  CHECK_THROWS(std::invalid_argument, policy::fixed({}), "at least one entry");
  CHECK_THROWS(std::invalid_argument, policy::fixed({1.0, -0.5}), "C(1) = -0.5");
  CHECK_THROWS(std::invalid_argument, policy::fixed({std::nan("")}), "C(0)");
  CHECK_THROWS(std::invalid_argument, Rate::constant(0.0), "rate");
  CHECK_THROWS(std::invalid_argument, Rate::constant(std::nan("")), "rate");
  CHECK_THROWS(std::invalid_argument, Rate::step(0.1, 1.5, 10), "factor");
  CHECK_THROWS(std::invalid_argument, Rate::step(0.1, 0.5, 0), "period");
  CHECK_THROWS(std::invalid_argument, Rate::cosine(0.1, 0.2, 10), "final");
}

TEST(schedules_follow_their_formulas) {
  const Rate constant = Rate::constant(0.3), step = Rate::step(0.8, 0.5, 100), cosine = Rate::cosine(0.9, 0.1, 1000);
  for (Version t = 0; t < 1500; ++t) {
    CHECK_EQUAL(constant(t), 0.3);
    CHECK_NEAR(step(t), 0.8 * std::pow(0.5, std::floor(static_cast<double>(t) / 100.0)), 1e-15);
    const double phase = std::numbers::pi * std::min(1.0, static_cast<double>(t) / 1000.0);
    CHECK_NEAR(cosine(t), 0.1 + 0.8 * (1.0 + std::cos(phase)) / 2.0, 1e-15);
  }
}

TEST(the_last_entry_of_a_table_serves_everything_beyond) {
  const ScaleTable table({1.0, 0.5, 0.25});
  CHECK_EQUAL(table(1), 0.5);
  CHECK_EQUAL(table(2), 0.25);
  CHECK_EQUAL(table(1u << 30), 0.25);
}

// Readers must always see one whole table, never a freed one. Every entry of table g holds g: a mixture or a freed
// table (overwritten by the allocator, or caught by AddressSanitizer) shows.
TEST(tables_switch_under_running_readers) {
  constexpr std::size_t kReaders = 3, kEntries = 64;
  TableSwitch tables(kReaders, ScaleTable(std::vector<double>(kEntries, 0.0)));
  std::atomic<bool> stop{false};
  std::atomic<int> mixed{0}, backwards{0};
  std::vector<std::thread> threads;
  for (std::size_t r = 0; r < kReaders; ++r)
    threads.emplace_back([&, r] {
      TableSwitch::Reader& reader = tables.reader(r);
      double last = 0;
      while (!stop.load()) {
        const ScaleTable& table = tables.acquire(reader);
        const double first = table(0);
        for (Tau tau = 1; tau < kEntries; ++tau) mixed += table(tau) != first;
        backwards += first < last;
        last = first;
      }
      tables.release(reader);
    });
  for (int generation = 1; generation <= 2000; ++generation)
    tables.replace(ScaleTable(std::vector<double>(kEntries, generation)));
  stop = true;
  for (auto& thread : threads) thread.join();
  CHECK_EQUAL(mixed.load(), 0);
  CHECK_EQUAL(backwards.load(), 0);
  CHECK_EQUAL(tables.current()(0), 2000.0);
}

TEST(tables_reach_as_far_as_very_many_workers_are_stale) {
  for (const Policy& policy :
       {policy::inverse(), policy::power(0.5), policy::exponential(1e-4), policy::delay_adaptive(),
        policy::threshold(std::nullopt, 1.0), policy::fleet(9000.0, SampleWindow{1, 2})}) {
    const ScaleTable table = policy.table({}, {.workers = 10'000, .rate = 1e-6});
    CHECK(table.entries().size() >= 80'000);
    CHECK(table(70'000) < table(20'000) || policy.name == "threshold");
    CHECK(table(330'000) < table(240'000) || policy.name != "threshold");  // 1/(4Lητ) turns at 250,000
  }
}

TEST(tables_nobody_can_hold_are_freed) {
  TableSwitch tables(2, ScaleTable({1.0}));
  (void)tables.acquire(tables.reader(0));
  (void)tables.acquire(tables.reader(1));
  for (int i = 0; i < 10; ++i) {
    tables.replace(ScaleTable({2.0}));
    (void)tables.acquire(tables.reader(0));
  }
  CHECK_EQUAL(tables.num_kept(), 11u);  // reader 1 may still hold the first, so all since are kept
  (void)tables.acquire(tables.reader(1));
  tables.replace(ScaleTable({3.0}));
  CHECK_EQUAL(tables.num_kept(), 2u);
  tables.release(tables.reader(0));
  tables.release(tables.reader(1));
  tables.replace(ScaleTable({4.0}));
  CHECK_EQUAL(tables.num_kept(), 1u);
}
