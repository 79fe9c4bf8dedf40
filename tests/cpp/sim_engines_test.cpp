// Engines in virtual time: what is modelled of each, and numbers of workers that change.
#include <algorithm>
#include <vector>

#include "asap/trace/check.h"
#include "asap/train/replay.h"
#include "simulations.h"

namespace {

using namespace simulations;

TEST(softsync_has_an_update_for_every_c_gradients_and_its_replay_the_bits) {
  const Quadratic quadratic(37, 40);
  for (const std::size_t n : {std::size_t{1}, std::size_t{3}, std::size_t{15}, engine::Softsync::kWorkers})
    for (const Law& law : {law::constant(1.0), law::exponential(1.0), law::spread(law::exponential(1.0), 1.0)})
      for (const double momentum : {0.0, 0.9}) {
        constexpr std::size_t kWorkers = 30;
        const engine::Softsync softsync{n};
        const std::size_t gradients = softsync.gradients(kWorkers);
        SimulationOptions options = options_of(softsync, kWorkers, 200);
        options.compute = law;
        options.publish = law::exponential(0.001);
        options.train.momentum = momentum;
        options.train.policy = policy::inverse_plus_one();
        const Simulated run = simulated(quadratic, options);
        check_trace(run.records, kWorkers);
        const Counts& counts = run.report.report.counts;
        CHECK_EQUAL(counts.published, 200u);
        CHECK(counts.gathered >= 200 * (gradients - 1) && counts.gathered < 201 * (gradients - 1) + 1);
        CHECK_NEAR(counts.mean_tau(), double(kWorkers - 1) / double(gradients),
                   0.15 * double(kWorkers) / double(gradients));
        std::vector<float> theta(37, 1.0f);
        replay(quadratic, theta, options.train, run.records);
        CHECK(theta == run.theta);
      }
}

// Workers in step: one of m attempts succeeds, the others are dropped. From update 16 on there are no batches left but
// those that make up for the dropped ones, hence a worker less from update to update.
TEST(leashed_attempts_on_a_version_that_was_replaced_fail) {
  SimulationOptions options = options_of(engine::Leashed{.persistence = 0}, 5, 20);
  options.compute = law::constant(1.0);
  options.publish = law::constant(0.25);
  const Report report = simulated(Quadratic(3), options).report.report;
  CHECK_EQUAL(report.counts.published, 20u);
  CHECK_EQUAL(report.counts.dropped, 16u * 4 + 3 + 2 + 1);
  CHECK_EQUAL(report.counts.attempts, report.counts.published + report.counts.dropped);
  CHECK_EQUAL(report.counts.tau_sum, 0u);
  CHECK_NEAR(report.seconds, 20 * 1.25, 1e-9);
}

// With T_p = ∞ they get through one after the other: with 5 + 4 + 3 + 2 + 1 attempts.
TEST(leashed_attempts_are_repeated_until_they_succeed) {
  SimulationOptions options = options_of(engine::Leashed{}, 5, 5);
  options.compute = law::constant(10.0);
  options.publish = law::constant(1.0);
  const Report report = simulated(Quadratic(3), options).report.report;
  CHECK_EQUAL(report.counts.published, 5u);
  CHECK_EQUAL(report.counts.attempts, 15u);
  CHECK_EQUAL(report.counts.dropped, 0u);
}

TEST(at_a_lock_publications_take_turns) {
  SimulationOptions options = options_of(engine::Locked{}, 100, 1000);
  options.compute = law::constant(1.0);
  options.publish = law::constant(0.25);
  const SimulationReport saturated = simulated(Quadratic(3), options).report;
  CHECK_NEAR(saturated.report.seconds, 1.0 + 1000 * 0.25, 1e-9);
  CHECK(saturated.publishing > 80 && saturated.publishing < 100);
  options.train.workers = 4;  // one after the other, nobody waits any more
  const SimulationReport free = simulated(Quadratic(3), options).report;
  CHECK_EQUAL(free.compute_seconds, 1.0);
  CHECK_EQUAL(free.publish_seconds, 0.25);
  CHECK_NEAR(free.publishing, 4 / (1.0 / 0.25 + 1), 0.05);
}

TEST(a_round_lasts_as_long_as_its_slowest_gradient) {
  SimulationOptions options = options_of(engine::Synchronous{}, 3, 10);
  options.compute = law::scaled(law::constant(1.0), {1.0, 4.0, 2.0});
  options.publish = law::constant(0.5);
  const Simulated run = simulated(Quadratic(3), options);
  CHECK_NEAR(run.report.report.seconds, 10 * 4.5, 1e-9);
  CHECK_EQUAL(run.report.report.counts.merged, 20u);
}

TEST(workers_come_and_go) {
  SimulationOptions options = options_of(engine::Locked{}, 2, 1000);
  options.compute = law::constant(1.0);
  options.team = {{9.5, 6}, {19.5, 1}, {29.5, 3}};
  options.train.seconds = 39.2;
  const Simulated run = simulated(Quadratic(3), options);
  const std::vector<Tau> found = taus(run);
  std::vector<Tau> expected(18, 1);  // nine times two
  expected[0] = 0;
  CHECK(std::equal(expected.begin(), expected.end(), found.begin()));
  // Workers 2 to 5 begin at 9.5, and all publish once a second: six of them until 19.5, one from 21 on, three from 30.5
  // on.
  CHECK(std::count(found.begin() + 24, found.begin() + 60, Tau{5}) == 36);
  CHECK_EQUAL(found.size(), 18u + 20 + 4 * 10 + 2 + 9 + 10 + 2 * 9);
  CHECK_EQUAL(found.back(), 2u);
  CHECK_EQUAL(run.report.report.staleness.size(), 6u);
  check_trace(run.records, 6);
}

TEST(synchronous_workers_come_and_go_between_rounds) {
  const Quadratic quadratic(3, 40);
  SimulationOptions options = options_of(engine::Synchronous{}, 2, 30);
  options.compute = law::constant(1.0);
  options.team = {{10.5, 5}, {20.5, 1}};
  const Simulated run = simulated(quadratic, options);
  CHECK_EQUAL(run.report.report.counts.published, 30u);
  CHECK_EQUAL(run.report.report.counts.gradients, 11u * 2 + 10 * 5 + 9);
  options.train.workers = 5;
  std::vector<float> theta(3, 1.0f);
  replay(quadratic, theta, options.train, run.records);
  CHECK(theta == run.theta);
}

/// Gradients of ones: of whole versions all components are equal. Counts the views that are none.
class Views final : public Ones {
 public:
  using Ones::Ones;
  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
    const auto [least, most] = std::minmax_element(theta, theta + num_parameters());
    torn += *least != *most;
    return Ones::gradient(theta, batch, workspace, gradient);
  }
  mutable std::size_t torn = 0;
};

TEST(hogwild_loses_no_update_and_its_views_are_torn_where_they_may_be) {
  constexpr std::size_t kParameters = 5 * 2048 + 17;
  struct Case {
    engine::Read read;
    double publish;
    bool torn;
  };
  for (const Case& each : {Case{engine::Read::copy, 0.0, false}, Case{engine::Read::copy, 0.3, true},
                           Case{engine::Read::in_place, 0.0, true}, Case{engine::Read::in_place, 0.3, true}}) {
    const Views views(kParameters);
    SimulationOptions options = options_of(engine::Hogwild{.read = each.read}, 6, 200);
    options.train.rate = Rate::constant(1.0);
    options.compute = law::exponential(1.0);
    options.publish = law::constant(each.publish);
    const Simulated run = simulated(views, options, 0.0f);
    CHECK(run.theta == std::vector<float>(kParameters, -200.0f));
    CHECK_EQUAL(views.torn > 0, each.torn);
    check_trace(run.records, 6);
    CHECK_EQUAL(run.report.report.counts.published, 200u);
  }
}

TEST(hogwild_with_copies_and_no_time_to_publish_has_the_bits_of_locked) {
  const Quadratic quadratic(2048 + 3, 40);
  SimulationOptions options = options_of(engine::Locked{}, 7, 100);
  options.train.momentum = 0.5;
  const Simulated locked = simulated(quadratic, options);
  options.train.engine = engine::Hogwild{.read = engine::Read::copy};
  CHECK(simulated(quadratic, options).theta == locked.theta);
  options.publish = law::constant(0.1);
  CHECK(simulated(quadratic, options).theta != locked.theta);
}

}  // namespace
