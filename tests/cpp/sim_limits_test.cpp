// How simulated runs end and what they refuse: limits, counts, memory, failures, the observer.
#include <cmath>
#include <limits>
#include <optional>
#include <stdexcept>
#include <vector>

#include "simulations.h"

namespace {

using namespace simulations;

TEST(counts_add_up_and_limits_are_kept) {
  const Quadratic quadratic(3, 40);
  for (const engine::Engine& engine : kConsistent) {
    SimulationOptions options = options_of(engine, 5, 123);
    options.publish = law::exponential(0.5);
    options.train.policy = policy::ringmaster(4);
    const Report by_updates = simulated(quadratic, options).report.report;
    CHECK_EQUAL(by_updates.counts.published, 123u);
    options.train.updates.reset();
    options.train.epochs = 4;
    const Report by_epochs = simulated(quadratic, options).report.report;
    CHECK_EQUAL(by_epochs.counts.gradients, 4u * 14u);
    CHECK_EQUAL(by_epochs.counts.samples, 4u * 40u);
    for (const Report& report : {by_updates, by_epochs}) {
      const Counts& counts = report.counts;
      CHECK_EQUAL(counts.gradients,
                  counts.published + counts.merged + counts.gathered + counts.dropped + counts.rejected);
      Counts rows;
      for (const EpochRecord& row : report.history) rows += row.since_last;
      CHECK_EQUAL(rows.gradients, counts.gradients);
      CHECK_EQUAL(report.history.back().updates, counts.published);
      std::uint64_t total = 0;
      for (const Distribution& each : report.staleness) total += each.total();
      CHECK_EQUAL(total, counts.published + counts.gathered);
      CHECK_EQUAL(report.staleness.size(), 5u);
    }
  }
}

TEST(virtual_seconds_end_a_run) {
  SimulationOptions options = options_of(engine::Locked{}, 4, 1000);
  options.train.seconds = 10.5;
  options.compute = law::constant(1.0);
  const Report report = simulated(Quadratic(3), options).report.report;
  CHECK_EQUAL(report.counts.published, 40u);
  CHECK_EQUAL(report.seconds, 10.5);
}

TEST(memory_is_one_vector_for_each_version_that_is_looked_at) {
  const Quadratic quadratic(33);
  for (const auto& [engine, most] : std::vector<std::pair<engine::Engine, std::size_t>>{
           {engine::Synchronous{}, 2}, {engine::Locked{}, 21}, {engine::Leashed{}, 21}}) {
    SimulationOptions options = options_of(engine, 20, 500);
    options.compute = law::exponential(1.0);
    CHECK(simulated(quadratic, options).report.report.vectors_high_water <= most);
    options.train.workers = 1;
    CHECK_EQUAL(simulated(quadratic, options).report.report.vectors_high_water, 1u);
  }
}

TEST(more_memory_than_allowed_is_refused_with_the_figure) {
  const Quadratic quadratic(33);  // three cache lines
  SimulationOptions options = options_of(engine::Locked{}, 20, 500);
  options.memory_limit = (20 + 1 + 2) * 3 * 64;
  simulated(quadratic, options);
  --options.memory_limit;
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options),
               "memory_limit must be at least 4416 bytes for 20 workers and 33 parameters");
}

/// Diverges after so many gradients; throws instead if asked to.
class Failing final : public Quadratic {
 public:
  Failing(std::uint64_t after, bool throws) : Quadratic(3), after_(after), throws_(throws) {}
  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
    const double loss = Quadratic::gradient(theta, batch, workspace, gradient);
    if (batch.id < after_) return loss;
    if (throws_) throw std::runtime_error("no gradient");
    gradient[1] = std::numeric_limits<float>::quiet_NaN();
    return gradient[1];
  }

 private:
  std::uint64_t after_;
  bool throws_;
};

struct Witness final : Observer {
  void on_epoch(const EpochRecord& row, LiveRun& live) override {
    rows.push_back(row);
    if (rows.size() == stop_after) live.request_stop();
  }
  void on_failure(const Failure& failure) noexcept override { failed = failure; }
  std::vector<EpochRecord> rows;
  std::size_t stop_after = 0;
  std::optional<Failure> failed;
};

TEST(what_is_not_finite_ends_the_run_with_the_last_finite_parameters) {
  const Failing failing(50, false);
  const Simulated run = simulated(failing, options_of(engine::Locked{}, 4, 200));
  CHECK(run.report.report.status == Status::diverged);
  for (const float x : run.theta) CHECK(std::isfinite(x));
  CHECK(run.report.report.version <= 50);
  SimulationOptions options = options_of(engine::Locked{}, 4, 200);
  options.train.on_nonfinite = OnNonfinite::skip;
  const Simulated skipping = simulated(failing, options);
  CHECK(skipping.report.report.status == Status::diverged);
  CHECK(skipping.report.report.counts.skipped > 0);
}

TEST(exceptions_are_passed_on_and_the_observer_is_told_where) {
  std::vector<float> theta(3, 1.0f);
  Witness witness;
  CHECK_THROWS(std::runtime_error, simulate(Failing(50, true), theta, options_of(engine::Locked{}, 4, 200), witness),
               "no gradient");
  CHECK(witness.failed && witness.failed->worker && witness.failed->batch >= 50u);
  CHECK(theta[0] != 1.0f);
}

TEST(the_observer_ends_a_run_between_two_gradients) {
  std::vector<float> theta(3, 1.0f);
  Witness witness;
  witness.stop_after = 2;
  SimulationOptions options = options_of(engine::Leashed{}, 4, 1000);
  options.row_every = 25;
  const SimulationReport simulated = simulate(Quadratic(3), theta, options, witness);
  CHECK(simulated.report.status == Status::stopped);
  CHECK_EQUAL(simulated.report.counts.published, 50u);
  CHECK_EQUAL(witness.rows.size(), 2u);
  CHECK_EQUAL(witness.rows[0].updates, 25u);
}

TEST(options_that_do_not_fit_are_refused) {
  const Quadratic quadratic(3);
  SimulationOptions options = options_of(engine::Locked{}, 4, 10);
  options.compute = law::constant(0.0);
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options), "compute must have a mean above 0");
  options = options_of(engine::FusedHogwild{}, 4, 10);
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options), "to be simulated; got a fused Hogwild");
  options = options_of(engine::Locked{}, 4, 10);
  options.team = {{2.0, 3}, {1.0, 4}};
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options), "one after the other; got 1 after 2");
  options = options_of(engine::Hogwild{}, 4, 10);
  options.train.correction = correction::GapAware{};
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options), "gradient alone for a simulated Hogwild");
  options = options_of(engine::Locked{}, (1 << 16) + 1, 10);
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options), "workers must be at most 65536");
}

}  // namespace
