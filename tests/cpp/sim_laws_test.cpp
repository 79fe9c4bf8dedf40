// Laws of virtual time, and the order of events.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "asap/sim/law.h"
#include "asap/sim/timeline.h"
#include "check.h"

namespace {

using namespace asap;

std::vector<double> drawn(const Law& law, std::size_t count, std::size_t worker = 0, std::uint64_t seed = 1) {
  Rng random(seed, Stream::compute_times, static_cast<std::uint32_t>(worker));
  std::vector<double> seconds(count);
  for (double& each : seconds) each = law.draw({seed, worker}, random);
  return seconds;
}

double mean(const std::vector<double>& x) { return std::accumulate(x.begin(), x.end(), 0.0) / double(x.size()); }

/// The share of values up to a bound.
double share_up_to(const std::vector<double>& x, double bound) {
  return double(std::count_if(x.begin(), x.end(), [&](double each) { return each <= bound; })) / double(x.size());
}

constexpr std::size_t kMany = 100'000;
constexpr double kError = 0.01;  // six standard deviations of a share of so many

TEST(a_constant_law_is_constant) {
  for (const double seconds : drawn(law::constant(0.3), 100)) CHECK_EQUAL(seconds, 0.3);
}

TEST(an_exponential_law_has_its_distribution) {
  const std::vector<double> x = drawn(law::exponential(2.0), kMany);
  for (const double bound : {0.1, 1.0, 2.0, 5.0}) CHECK_NEAR(share_up_to(x, bound), 1 - std::exp(-bound / 2), kError);
  CHECK_NEAR(mean(x), 2.0, 0.05);
}

TEST(a_log_normal_law_has_its_distribution) {
  const std::vector<double> x = drawn(law::log_normal(2.0, 0.5), kMany);
  const double median = 2.0 * std::exp(-0.125);
  CHECK_NEAR(share_up_to(x, median), 0.5, kError);
  CHECK_NEAR(share_up_to(x, median * std::exp(0.5)), 0.8413, kError);
  CHECK_NEAR(share_up_to(x, median * std::exp(-1.0)), 0.0228, kError);
  CHECK_NEAR(mean(x), 2.0, 0.05);
  for (const double seconds : drawn(law::log_normal(2.0, 0.0), 10)) CHECK_EQUAL(seconds, 2.0);
}

TEST(recorded_times_come_as_often_as_they_were_counted) {
  const std::vector<double> x = drawn(law::recorded({1.0, 2.0, 4.0}, {1, 0, 3}), kMany);
  CHECK_NEAR(share_up_to(x, 1.0), 0.25, kError);
  CHECK_NEAR(share_up_to(x, 3.9), 0.25, kError);
  CHECK_EQUAL(share_up_to(x, 4.0), 1.0);
  CHECK_EQUAL(law::recorded({1.0, 2.0, 4.0}, {1, 0, 3}).mean, 3.25);
}

TEST(workers_of_different_speeds_keep_theirs) {
  const Law scaled = law::scaled(law::constant(2.0), {1.0, 3.0});
  for (const std::size_t worker : {0, 1, 2, 3})
    CHECK(drawn(scaled, 3, worker) == std::vector<double>(3, worker % 2 ? 6.0 : 2.0));
  std::vector<double> factors;
  for (std::size_t worker = 0; worker < 10'000; ++worker) {
    const std::vector<double> x = drawn(law::spread(law::constant(1.0), 0.5), 2, worker);
    CHECK_EQUAL(x[0], x[1]);
    factors.push_back(x[0]);
  }
  CHECK_NEAR(mean(factors), 1.0, 0.04);
  CHECK_NEAR(share_up_to(factors, std::exp(-0.125)), 0.5, 0.03);
}

TEST(stragglers_are_slow_always_or_now_and_then) {
  const Law always = law::slow_workers(law::constant(1.0), 5.0, 2);
  CHECK(drawn(always, 3, 1) == std::vector<double>(3, 5.0));
  CHECK(drawn(always, 3, 2) == std::vector<double>(3, 1.0));
  const std::vector<double> x = drawn(law::slow_now_and_then(law::constant(1.0), 5.0, 0.1), kMany);
  CHECK_NEAR(share_up_to(x, 1.0), 0.9, kError);
  CHECK_EQUAL(share_up_to(x, 5.0), 1.0);
}

TEST(a_worker_s_times_depend_on_seed_and_worker_only) {
  const Law law = law::log_normal(1.0, 0.3);
  const std::vector<double> x = drawn(law, 10, 3, 7);
  CHECK(x == drawn(law, 10, 3, 7));
  CHECK(x != drawn(law, 10, 4, 7));
  CHECK(x != drawn(law, 10, 3, 8));
}

TEST(laws_refuse_what_is_no_time) {
  CHECK_THROWS(std::invalid_argument, law::constant(-1.0), "seconds must be a finite number of at least 0; got -1");
  CHECK_THROWS(std::invalid_argument, law::exponential(std::nan("")), "mean must be");
  CHECK_THROWS(std::invalid_argument, law::log_normal(1.0, -0.1), "sigma must be");
  CHECK_THROWS(std::invalid_argument, law::recorded({}, {}), "one or more");
  CHECK_THROWS(std::invalid_argument, law::recorded({1.0}, {0}), "must not all be 0");
  CHECK_THROWS(std::invalid_argument, law::scaled(law::constant(1.0), {0.0}), "factor must be");
  CHECK_THROWS(std::invalid_argument, law::slow_now_and_then(law::constant(1.0), 2.0, 1.5), "probability must be");
}

TEST(events_come_in_the_order_of_time_then_of_announcement) {
  Rng random(1, Stream::tests);
  struct Announced {
    double seconds;
    std::size_t number;
  };
  std::vector<Announced> expected;
  sim::Timeline timeline;
  for (std::size_t number = 0; number < 1000; ++number) {
    const double seconds = random.bits() % 50;
    timeline.add(seconds, sim::What::computed, number);
    expected.push_back({seconds, number});
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const Announced& a, const Announced& b) { return a.seconds < b.seconds; });
  for (const Announced& next : expected) {
    CHECK_EQUAL(timeline.next_seconds(), next.seconds);
    CHECK_EQUAL(timeline.take().worker, next.number);
  }
  CHECK(timeline.is_empty());
}

}  // namespace
