// Scales that simulated runs apply, record by record: those of the formula at any staleness, and of the workers there
// are.
#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "asap/framework/properties.h"
#include "simulations.h"

namespace {

using namespace simulations;

constexpr double kRate = 1e-4;  // small enough for gradients as stale as these

SimulationOptions options_at_rate(const engine::Engine& engine, std::size_t workers, std::uint64_t updates) {
  SimulationOptions options = options_of(engine, workers, updates);
  options.compute = law::constant(1.0);
  options.train.batch_size = 1;
  options.train.rate = Rate::constant(kRate);
  return options;
}

struct Curve {
  Policy policy;
  std::function<double(double)> scale;
};

/// What the run applied, beside the formula; and the mean of the steps it tells.
void check_applied(const Simulated& run, const std::function<double(const TraceRecord&)>& scale) {
  double worst = 0, sum = 0;
  for (const TraceRecord& record : run.records) {
    worst = std::max(worst, std::abs(record.scale - scale(record)));
    sum += kRate * scale(record);
  }
  CHECK_NEAR(worst, 0.0, 1e-12);
  CHECK_NEAR(run.report.report.counts.effective_step(), sum / static_cast<double>(run.records.size()), 1e-12);
}

void check_applied(const Simulated& run, const Curve& curve) {
  check_applied(run, [&](const TraceRecord& record) { return curve.scale(static_cast<double>(record.tau())); });
}

Tau stalest(const Simulated& run) {
  Tau most = 0;
  for (const TraceRecord& record : run.records) most = std::max(most, record.tau());
  return most;
}

TEST(six_thousand_workers_have_the_scales_of_the_formulas) {
  SimulationOptions options = options_at_rate(engine::Locked{}, 6'000, 13'000);
  const double beta = 2.0 / 6'001.0 * std::log1p(6'001.0 / 2.0);  // T = m + 1
  for (const Curve& curve : std::vector<Curve>{
           {policy::inverse(), [](double tau) { return 1.0 / std::max(tau, 1.0); }},
           {policy::power(0.5), [](double tau) { return 1.0 / std::sqrt(tau + 1.0); }},
           {policy::hinge(10.0, 5'000),
            [](double tau) { return tau <= 5'000 ? 1.0 : 1.0 / (10.0 * (tau - 5'000) + 1.0); }},
           {policy::hinge(10.0, 10'000), [](double) { return 1.0; }},
           {policy::threshold(5'000, 500.0),
            [](double tau) { return tau <= 5'000 ? 1.0 : 1.0 / (4.0 * 500.0 * kRate * tau); }},
           {policy::threshold(5'000, std::nullopt), [](double tau) { return tau <= 5'000 ? 1.0 : 0.0; }},
           {policy::ringmaster(5'000), [](double tau) { return tau < 5'000 ? 1.0 : 0.0; }},
           {policy::ringmaster(10'000), [](double) { return 1.0; }},
           {policy::delay_adaptive(), [](double) { return 1.0; }},
           {policy::fleet(std::nullopt, SampleWindow{10, 20}), [beta](double tau) { return std::exp(-beta * tau); }},
       }) {
    options.train.policy = curve.policy;
    const Simulated run = simulated(Quadratic(1), options);
    check_applied(run, curve);
    CHECK(stalest(run) == 5'999 || (run.report.report.counts.rejected > 0 && stalest(run) >= 5'000));
  }
}

// One of sixty takes five hundred times as long: τ ≈ 29,500, where no table began.
TEST(stragglers_have_them_too) {
  SimulationOptions options = options_at_rate(engine::Leashed{}, 60, 65'000);
  options.compute = law::slow_workers(options.compute, 500.0, 1);
  for (const Curve& curve : std::vector<Curve>{
           {policy::inverse(), [](double tau) { return 1.0 / std::max(tau, 1.0); }},
           {policy::hinge(0.01, 10'000),
            [](double tau) { return tau <= 10'000 ? 1.0 : 1.0 / (0.01 * (tau - 10'000) + 1.0); }},
           {policy::ringmaster(25'000), [](double tau) { return tau < 25'000 ? 1.0 : 0.0; }},
           {policy::clipped(policy::delay_adaptive(), 0.0, 0.5),
            [](double tau) { return std::min(0.5, 60.0 / std::max(tau, 1.0)); }},
       }) {
    options.train.policy = curve.policy;
    const Simulated run = simulated(Quadratic(1), options);
    check_applied(run, curve);
    CHECK(stalest(run) >= 29'500);
    CHECK_EQUAL(run.report.report.tables.tables.size(), 1u);
    for (const TraceRecord& record : run.records) {  // a reader of the report finds what was applied
      const std::vector<double>& entries = run.report.report.tables.tables.back().entries;
      CHECK(record.scale == entries[std::min<std::size_t>(record.tau(), entries.size() - 1)]);
    }
  }
}

TEST(tail_tau_of_a_simulation_has_1_minus_a_beyond_the_stalest) {
  for (const std::size_t workers : {4'095, 4'096, 4'097, 6'000}) {
    SimulationOptions options = options_at_rate(engine::Locked{}, workers, 3 * workers);
    options.train.policy = policy::tail_tau(0.75, Cdf::mid, SampleWindow{0, 2});
    const auto tables = simulated(Quadratic(1), options).report.report.tables.tables;
    CHECK_EQUAL(tables.size(), 2u);
    const TableRecord& table = tables.back();
    CHECK_EQUAL(table.seen.max_tau(), workers - 1);
    CHECK_EQUAL(table.entries.size(), workers + 1);
    CHECK_EQUAL(table.entries.back(), 0.25);
    CHECK_NEAR(framework::properties_of(table.entries, table.seen).mean, 1.0, 1e-12);
  }
}

/// Two workers, then twenty, then five; one of them is slow.
SimulationOptions changing_team(const Policy& policy) {
  SimulationOptions options = options_at_rate(engine::Locked{}, 2, 400);
  options.compute = law::slow_workers(options.compute, 7.0, 1);
  options.team = {{20.5, 20}, {30.75, 5}};
  options.train.policy = policy;
  return options;
}

TEST(the_workers_in_a_formula_are_those_of_the_moment) {
  const auto fleet = [](double threshold, double tau) {
    return std::exp(-2.0 / threshold * std::log1p(threshold / 2.0) * tau);
  };
  struct Case {
    Policy policy;
    std::function<double(double, double)> scale;  // of m and τ
  };
  const auto delayed = [](double m, double tau) { return std::min(1.0, m / std::max(tau, 1.0)); };
  for (const Case& each : std::vector<Case>{
           {policy::delay_adaptive(), delayed},
           {policy::clipped(policy::delay_adaptive(), 0.5, 1.0),
            [&](double m, double tau) { return std::max(0.5, delayed(m, tau)); }},
           {policy::threshold(std::nullopt, 1e5),
            [](double m, double tau) { return tau <= m ? 1.0 : 1.0 / (4.0 * 1e5 * kRate * tau); }},
           {policy::fleet(std::nullopt, SampleWindow{1'000, 2'000}),
            [&](double m, double tau) { return fleet(m + 1.0, tau); }},
       }) {
    const Simulated run = simulated(Quadratic(3), changing_team(each.policy));
    const auto& tables = run.report.report.tables.tables;
    CHECK_EQUAL(tables.size(), 3u);
    check_applied(run, [&](const TraceRecord& record) {
      const double m = record.replaced < tables.at(1).version ? 2 : record.replaced < tables.at(2).version ? 20 : 5;
      return each.scale(m, static_cast<double>(record.tau()));
    });
    CHECK_EQUAL(tables[1].version, 22u);                // in 20 s the fast one had 20 updates, the slow one 2
    CHECK_EQUAL(tables[2].version, 22u + 10 * 19 + 2);  // in 10 s more
  }
}

TEST(a_team_that_changes_makes_no_table_where_m_is_in_no_formula_or_stays) {
  for (const Policy& policy :
       {policy::inverse(), policy::threshold(4, 1.0), policy::ringmaster(30), policy::fleet(5.0, SampleWindow{10, 20})})
    CHECK_EQUAL(simulated(Quadratic(3), changing_team(policy)).report.report.tables.tables.size(), 1u);
  SimulationOptions same = changing_team(policy::delay_adaptive());
  same.team = {{20.5, 2}};
  CHECK_EQUAL(simulated(Quadratic(3), same).report.report.tables.tables.size(), 1u);
}

TEST(a_sample_goes_on_when_the_team_changes) {
  const auto tables = [](const Policy& policy) {
    return simulated(Quadratic(3), changing_team(policy)).report.report.tables.tables;
  };
  const SampleWindow window{5, 50};  // updates 10 to 99, of two workers
  const auto fleet = tables(policy::fleet(std::nullopt, window)),
             tail = tables(policy::tail_tau(0.5, Cdf::mid, window));
  CHECK_EQUAL(tail.size(), 2u);
  CHECK_EQUAL(fleet.size(), 4u);
  const TableRecord &of_window = fleet.at(2), &after = fleet.at(3);
  CHECK_EQUAL(of_window.version, tail.at(1).version);
  CHECK_EQUAL(of_window.seen.total(), tail.at(1).seen.total());
  CHECK(fleet.at(1).seen.empty() && after.seen.total() == of_window.seen.total());
  CHECK(after.entries == of_window.entries);

  const auto normalised = tables(policy::normalised(policy::delay_adaptive(), window));
  CHECK_EQUAL(normalised.size(), 4u);
  for (const TableRecord* table : {&normalised.at(2), &normalised.at(3)}) {
    CHECK_EQUAL(table->seen.total(), of_window.seen.total());
    CHECK_NEAR(framework::properties_of(table->entries, table->seen).mean, 1.0, 1e-12);
  }
  CHECK_NEAR(normalised[2].entries[40] / normalised[2].entries[0], 20.0 / 40.0, 1e-12);
  CHECK_NEAR(normalised[3].entries[40] / normalised[3].entries[0], 5.0 / 40.0, 1e-12);
}

}  // namespace
