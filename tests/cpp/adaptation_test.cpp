// Adaptation: when tables are made, of what, and what is kept of them. Everything without threads, but for the last
// two tests, where a run drives it.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "asap/framework/properties.h"
#include "asap/staleness/forgetting.h"
#include "asap/staleness/histogram.h"
#include "asap/step/adaptation.h"
#include "asap/step/repeated.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "distributions.h"
#include "quadratic.h"

namespace {

using namespace asap;

const OnlineSample kOnline{.every = 10, .half_life = 25};

/// An execution in which updates come one after the other, as a simulator has it.
struct Driver {
  Adaptation adaptation;
  TauHistogram counted = {};
  std::uint64_t progress = 0;
  Version version = 0;

  /// One update; C = 0 rejects it.
  void update(Tau tau) {
    const bool rejected = adaptation.table()(tau) == 0.0;
    if (adaptation.window().contains(version)) {
      counted.add(tau);
      progress += !rejected || adaptation.window().is_endless();
    }
    version += !rejected;
    if (adaptation.is_due(progress)) adaptation.refresh(version, progress, counted.distribution());
  }
};

/// As many updates of a normal distribution of τ, cut off at 0.
template <class Random>
void update(Driver& driver, Random& random, int updates, double mean, double deviation) {
  std::normal_distribution<double> normal(mean, deviation);
  for (int i = 0; i < updates; ++i) driver.update(static_cast<Tau>(std::max(0.0, std::round(normal(random)))));
}

double mean_scale(const TableRecord& table) { return framework::properties_of(table.entries, table.seen).mean; }

bool same(const Distribution& a, const Distribution& b) {
  return std::equal(a.counts().begin(), a.counts().end(), b.counts().begin(), b.counts().end());
}

/// A policy that keeps what it was called with.
struct Probe {
  std::vector<Distribution> seen;
  std::vector<Version> versions;
  Policy policy(std::optional<Sample> sample) {
    const auto table = [this](const Distribution& distribution, const StepContext& context) {
      seen.push_back(distribution);
      versions.push_back(context.version);
      return ScaleTable({1.0});
    };
    return {"probe", table, sample};
  }
};

}  // namespace

TEST(weights_halve_with_the_half_life_and_vanish_in_the_end) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    const double half_life = 1.0 + static_cast<double>(random() % 5000);
    std::vector<Distribution> parts;
    Distribution weights;
    for (int part = 0; part < 30; ++part) {
      parts.push_back(random_distribution(random));
      weights = forget(weights, parts.back(), half_life);
      // Σ over parts of 2^(−updates since / half-life) times its counts, less what is cut off in as many steps.
      for (Tau tau = 0; tau < 60; ++tau) {
        double expected = 0, later = 0;
        for (std::size_t i = parts.size(); i-- > 0;) {
          const double count = parts[i].probability(tau) * static_cast<double>(parts[i].total());
          expected += std::round(count) * static_cast<double>(kFreshWeight) * std::exp2(-later / half_life);
          later += static_cast<double>(parts[i].total());
        }
        const double found = weights.probability(tau) * static_cast<double>(weights.total());
        CHECK(found <= expected * (1 + 1e-12) && found >= expected * (1 - 1e-12) - 31.0);
      }
    }
  }
  Distribution weights = forget({}, Distribution({0, 0, 7}), 10.0);
  for (int i = 0; i < 30; ++i) weights = forget(weights, Distribution({10}), 10.0);
  CHECK_EQUAL(weights.max_tau(), 0u);
}

TEST(what_was_counted_since_is_the_difference) {
  TauHistogram histogram;
  for (const Tau tau : {3u, 0u, 3u}) histogram.add(tau);
  const Distribution before = histogram.distribution();
  for (const Tau tau : {5u, 0u, 100000u}) histogram.add(tau);
  std::vector<std::uint64_t> expected(kTauBins);
  expected[0] = expected[5] = expected[kTauBins - 1] = 1;
  CHECK(same(since(before, histogram.distribution()), Distribution(expected)));
  CHECK(since(before, before).empty());
}

TEST(a_window_gives_one_table_of_exactly_its_updates) {
  Probe probe;
  Driver driver{Adaptation(probe.policy(SampleWindow{2, 5}), {.workers = 10}, 100)};
  driver.version = 100;
  CHECK_EQUAL(driver.adaptation.remaining(0), 30u);
  CHECK_EQUAL(driver.adaptation.remaining(29), 1u);
  for (int i = 0; i < 200; ++i) driver.update(static_cast<Tau>(i));
  CHECK_EQUAL(probe.seen.size(), 2u);
  CHECK(probe.seen[0].empty());
  CHECK(probe.versions == (std::vector<Version>{100, 150}));
  CHECK_EQUAL(probe.seen[1].total(), 30u);
  CHECK_EQUAL(probe.seen[1].probability(19) + probe.seen[1].probability(50), 0.0);
  CHECK(probe.seen[1].probability(20) > 0.0 && probe.seen[1].probability(49) > 0.0);
  CHECK_EQUAL(driver.adaptation.remaining(30), Adaptation::kNever);
  CHECK(!driver.adaptation.is_due(1u << 30));
}

TEST(a_policy_without_a_sample_is_never_due) {
  const Adaptation adaptation(policy::inverse(), {.workers = 10});
  CHECK(!adaptation.is_due(Adaptation::kNever - 1));
  CHECK(!adaptation.window().contains(0));
  CHECK_EQUAL(adaptation.remaining(Adaptation::kNever - 1), Adaptation::kNever);
}

TEST(online_a_table_comes_every_so_many_updates_of_all_that_was_counted) {
  Probe probe;
  Driver driver{Adaptation(probe.policy(kOnline), {.workers = 4})};
  TauHistogram all;
  Distribution expected, before;
  for (int i = 1; i <= 400; ++i) {
    const Tau tau = static_cast<Tau>(i * i % 11);
    all.add(tau);
    driver.update(tau);
    if (i % 40 != 0) continue;
    expected = forget(expected, since(before, all.distribution()), 100.0);
    before = all.distribution();
    CHECK_EQUAL(probe.versions.back(), static_cast<Version>(i));
    CHECK(same(probe.seen.back(), expected));
  }
  CHECK_EQUAL(probe.seen.size(), 11u);
}

TEST(a_late_refresh_skips_those_that_were_due_meanwhile) {
  Adaptation adaptation(policy::tail_tau(1.0, Cdf::mid, kOnline), {.workers = 1});
  adaptation.refresh(37, 37, Distribution({37}));
  CHECK(!adaptation.is_due(39));
  CHECK(adaptation.is_due(40));
}

TEST(online_tail_tau_keeps_the_mean_on_every_histogram_it_was_built_from) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 100; ++round) {
    const double amplitude = static_cast<double>(random() % 1001) / 1000.0;
    const OnlineSample sample{.every = static_cast<double>(1 + random() % 20),
                              .half_life = static_cast<double>(1 + random() % 100) / 3.0};
    Driver driver{Adaptation(policy::tail_tau(amplitude, Cdf::mid, sample), {.workers = 1 + random() % 8})};
    for (int part = 0; part < 5; ++part)
      update(driver, random, 300, static_cast<double>(random() % 200), static_cast<double>(random() % 50));
    const TableLog& log = driver.adaptation.state().log;
    CHECK(log.figures.size() >= 9);
    for (const TableFigures& table : log.figures) {
      CHECK_NEAR(table.mean_scale, 1.0, 1e-12);
      CHECK(table.mean_square >= 1.0 - 1e-12);
    }
    for (std::size_t i = 1; i < log.tables.size(); ++i) {
      CHECK_NEAR(mean_scale(log.tables[i]), 1.0, 1e-12);
      CHECK_NEAR(log.tables[i].entries.back(), 1.0 - amplitude, 1e-15);  // beyond the largest τ of the histogram
      CHECK_EQUAL(log.tables[i].entries.size(), log.tables[i].seen.max_tau() + 2);
    }
  }
}

TEST(every_policy_of_a_sample_follows_a_distribution_that_changes) {
  const auto median_scale = [](const Driver& driver) {  // C at the median of the old and of the new distribution
    return std::pair(driver.adaptation.table()(20), driver.adaptation.table()(60));
  };
  std::mt19937_64 random(3);
  Driver driver{Adaptation(policy::tail_tau(0.8, Cdf::mid, kOnline), {.workers = 4})};
  update(driver, random, 2000, 20, 5);
  CHECK_NEAR(median_scale(driver).first, 1.0, 0.25);
  CHECK_NEAR(median_scale(driver).second, 0.2, 1e-12);
  update(driver, random, 2000, 60, 5);  // 20 half-lives: the old one is all but forgotten
  CHECK_NEAR(median_scale(driver).first, 1.8, 1e-3);
  CHECK_NEAR(median_scale(driver).second, 1.0, 0.25);

  Driver fleet{Adaptation(policy::fleet(std::nullopt, kOnline), {.workers = 4})};
  Driver law{Adaptation(policy::mind_the_step(policy::Law::poisson, 5.0, 150, kOnline), {.workers = 4})};
  Driver mean{Adaptation(policy::normalised(policy::inverse(), kOnline), {.workers = 4})};
  for (Driver* each : {&fleet, &law, &mean}) {
    update(*each, random, 2000, 20, 5);
    const double before = each->adaptation.table()(20);
    update(*each, random, 2000, 60, 5);
    CHECK(std::abs(each->adaptation.table()(20) - before) > 0.1 * before);
    CHECK(each->adaptation.state().log.figures.size() > 90);
  }
  CHECK_NEAR(mean.adaptation.state().log.figures.back().mean_scale, 1.0, 1e-12);
}

TEST(a_rejected_range_comes_back) {
  std::mt19937_64 random(4);
  Driver driver{Adaptation(policy::tail_tau(1.0, Cdf::mid, kOnline), {.workers = 4})};
  update(driver, random, 1000, 5, 1);
  CHECK_EQUAL(driver.adaptation.table()(50), 0.0);
  for (int i = 0; i < 400; ++i) driver.update(i % 2 == 0 ? 4 : 50);  // rejected at first
  CHECK(driver.adaptation.table()(50) > 0.0);
}

TEST(many_short_executions_are_as_one_that_has_tables_between_them) {
  for (const Sample& sample : {Sample{SampleWindow{10, 40}}, Sample{kOnline}}) {
    const Policy policy = policy::tail_tau(0.9, Cdf::mid, sample);
    RepeatedAdaptation repeated(policy, {.workers = 2});
    Driver whole{Adaptation(policy, {.workers = 2})};
    CHECK(repeated.is_adaptive());
    std::minstd_rand random(3);
    for (int execution = 0; execution < 60; ++execution) {
      TauCounts staleness;
      for (int update = 0; update < 5; ++update) {  // both lengths, and where they begin, are multiples of it
        const Tau tau = random() % 7;
        staleness.add(tau);
        whole.update(tau);
      }
      repeated.count(staleness.distribution(), Distribution(), 5);
      CHECK(repeated.table().entries() == whole.adaptation.table().entries());
    }
    CHECK(repeated.table()(0) != repeated.table()(6));  // it has one of a sample
  }
  CHECK(!RepeatedAdaptation(policy::inverse(), {}).is_adaptive());
}

TEST(an_execution_in_which_all_is_rejected_brings_the_next_table_too) {
  const Policy policy = policy::ringmaster(3);
  RepeatedAdaptation plain(policy, {});
  CHECK(!plain.is_adaptive());
  Policy mean_only = policy::normalised(policy::inverse_plus_one(), kOnline);
  RepeatedAdaptation repeated(mean_only, {});
  TauCounts rejected;
  for (int i = 0; i < 10; ++i) rejected.add(4);
  repeated.count(Distribution(), rejected.distribution(), 0);
  CHECK_NEAR(repeated.table()(4), 1.0, 1e-12);
}

TEST(staleness_beyond_the_last_bin_has_the_scale_of_that_bin) {
  std::vector<std::uint64_t> counts(kTauBins);
  counts[3] = counts[kTauBins - 1] = 50;
  const Distribution binned(counts, LastBin::open_ended);
  const ScaleTable table = policy::tail_tau(1.0, Cdf::mid, kOnline).table(binned, {});
  CHECK_EQUAL(table(3), 1.5);
  CHECK_EQUAL(table(kTauBins - 1), 0.5);
  CHECK_EQUAL(table(1u << 20), 0.5);
}

TEST(a_log_is_bounded_and_spaced_evenly) {
  TableLog log;
  const Distribution seen({1, 2, 3});
  for (std::uint64_t n = 0; n < 20000; ++n) {
    log.add(10 * n, {1.0, 0.5}, seen);
    CHECK_EQUAL(log.tables.back().number, n);
    CHECK_EQUAL(log.tables.front().number, 0u);
    CHECK(log.tables.size() <= TableLog::kMostTables + 1);
    CHECK(log.figures.size() <= TableLog::kMostFigures + 1);
    CHECK(n < 64 ? log.tables.size() == n + 1 : log.tables.size() > TableLog::kMostTables / 2);
  }
  for (std::size_t i = 2; i + 1 < log.figures.size(); ++i)
    CHECK_EQUAL(log.figures[i].number - log.figures[i - 1].number, log.figures[1].number);
  for (const TableFigures& figures : log.figures) {
    CHECK_EQUAL(figures.version, 10 * figures.number);
    CHECK_NEAR(figures.mean_tau, 8.0 / 6.0, 1e-15);
    CHECK_NEAR(figures.mean_scale, (1.0 + 5 * 0.5) / 6.0, 1e-15);
    CHECK_NEAR(figures.mean_square, (1.0 + 5 * 0.25) / 6.0, 1e-15);
  }
}

TEST(an_adaptation_goes_on_as_if_it_had_never_been_interrupted) {
  for (const Sample sample : {Sample{kOnline}, Sample{SampleWindow{3, 50}}, Sample{SampleWindow{100, 200}}})
    for (const int interrupted : {1, 39, 40, 41, 150, 399}) {
      const Policy policy = policy::tail_tau(1.0, Cdf::mid, sample);  // rejects τ beyond the largest
      Driver whole{Adaptation(policy, {.workers = 4})}, first{Adaptation(policy, {.workers = 4})};
      const auto tau = [](int i) { return static_cast<Tau>(i * i % (7 + i / 50)); };
      for (int i = 0; i < interrupted; ++i) first.update(tau(i));
      Driver second{Adaptation(policy, {.workers = 4}, first.adaptation.state())};
      second.counted.add(first.counted.distribution());
      second.progress = first.progress;
      second.version = first.version;
      for (int i = interrupted; i < 1000; ++i) second.update(tau(i));
      for (int i = 0; i < 1000; ++i) whole.update(tau(i));
      const TableLog &a = whole.adaptation.state().log, &b = second.adaptation.state().log;
      CHECK_EQUAL(a.tables.size(), b.tables.size());
      for (std::size_t i = 0; i < a.tables.size(); ++i) {
        CHECK(a.tables[i].entries == b.tables[i].entries && same(a.tables[i].seen, b.tables[i].seen));
        CHECK_EQUAL(a.tables[i].version, b.tables[i].version);
      }
      CHECK_EQUAL(a.figures.size(), b.figures.size());
      CHECK_EQUAL(whole.version, second.version);
    }
}

TEST(lengths_of_an_online_sample_are_checked) {
  const auto tail = [](OnlineSample sample) { return policy::tail_tau(1.0, Cdf::mid, sample); };
  CHECK_THROWS(std::invalid_argument, tail({.every = 0, .half_life = 1}), "every of an online sample must be above 0");
  CHECK_THROWS(std::invalid_argument, tail({.every = 1, .half_life = -1}), "half_life of an online sample must be");
  CHECK_THROWS(std::invalid_argument, tail({.every = 1, .half_life = 2e6}), "got 2e+06");
  CHECK_THROWS(std::invalid_argument, tail({.every = std::nan(""), .half_life = 1}), "got nan");
}

TEST(tables_that_are_due_at_once_are_in_force_one_after_the_other) {
  Adaptation adaptation(policy::tail_tau(1.0, Cdf::mid, OnlineSample{.every = 5, .half_life = 20}), {.workers = 4});
  adaptation.refresh(45, 20, Distribution({10, 10}));
  CHECK(adaptation.is_due(45));
  adaptation.refresh(45, 45, Distribution({20, 25}));
  const auto& tables = adaptation.state().log.tables;
  CHECK_EQUAL(tables[1].version, 45u);
  CHECK_EQUAL(tables[2].version, 46u);
}

TEST(a_run_logs_its_tables_and_every_one_keeps_the_mean) {
  struct Patient : Observer {
    explicit Patient(const Probe& its_probe) : probe(its_probe) {}
    void on_tick(LiveRun& live) override {
      if (probe.seen.size() > 5) live.request_stop();
    }
    const Probe& probe;
  };
  const Quadratic quadratic(20, 100);
  for (const engine::Engine& engine :
       {engine::Engine{engine::Locked{}}, engine::Engine{engine::Leashed{}}, engine::Engine{engine::Hogwild{}}}) {
    Probe probe;
    Policy policy = probe.policy(OnlineSample{.every = 5, .half_life = 20});
    policy.table = [keep = policy.table, tail = policy::tail_tau(1.0, Cdf::mid, *policy.sample).table](
                       const Distribution& distribution, const StepContext& context) {
      keep(distribution, context);
      return tail(distribution, context);
    };
    Patient patient(probe);
    std::vector<float> theta(20, 1.0f);
    const TrainOptions options{.engine = engine, .workers = 4, .batch_size = 2, .seconds = 1e6, .policy = policy};
    const Report report = train(quadratic, theta, options, patient);
    CHECK(report.tables.figures.size() >= 5);
    for (const TableFigures& figures : report.tables.figures) CHECK_NEAR(figures.mean_scale, 1.0, 1e-12);
    for (std::size_t i = 1; i < report.tables.tables.size(); ++i) {
      CHECK_NEAR(mean_scale(report.tables.tables[i]), 1.0, 1e-12);
      CHECK(report.tables.tables[i].version > report.tables.tables[i - 1].version);
    }
  }
}

// A worker that is long at one gradient may hold any table since: there are never more than so many of them.
TEST(tables_that_a_slow_worker_may_hold_are_bounded) {
  struct Slow : Quadratic {
    using Quadratic::Quadratic;
    double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
      ++begun;
      if (batch.id == 0)
        while (begun.load() < 200000) std::this_thread::yield();
      return Quadratic::gradient(theta, batch, workspace, gradient);
    }
    mutable std::atomic<int> begun{0};
  };
  const Slow slow(2, 100);
  std::vector<float> theta(2, 1.0f);
  const Report report = train(slow, theta,
                              {.engine = engine::Hogwild{},
                               .workers = 2,
                               .batch_size = 2,
                               .updates = 200000,
                               .rate = Rate::constant(1e-3),
                               .policy = policy::tail_tau(1.0, Cdf::mid, OnlineSample{.every = 1, .half_life = 20})});
  CHECK_EQUAL(report.counts.published, 200000u);
  CHECK(report.tables.tables.back().number <= 64 + 1);
}
