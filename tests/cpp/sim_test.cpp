// Simulated runs: what theory says of τ, the bits of train() and of a replay, a naive reference, limits, memory.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

#include "asap/data/batch_source.h"
#include "asap/sim/simulator.h"
#include "asap/store/store.h"
#include "asap/trace/check.h"
#include "asap/train/replay.h"
#include "check.h"
#include "quadratic.h"

namespace {

using namespace asap;

/// A simulated run with its trace, and the parameters it ended with.
struct Simulated {
  std::vector<float> theta;
  std::vector<TraceRecord> records;
  SimulationReport report;
};

Simulated simulated(const Objective& objective, SimulationOptions options, float start = 1.0f) {
  TraceMemory memory;
  options.train.trace = &memory;
  Simulated run{std::vector<float>(objective.num_parameters(), start), {}, {}};
  run.report = simulate(objective, run.theta, options);
  run.records = std::move(memory.records);
  return run;
}

SimulationOptions options_of(const engine::Engine& engine, std::size_t workers, std::uint64_t updates) {
  SimulationOptions options;
  options.train.engine = engine;
  options.train.workers = workers;
  options.train.batch_size = 3;
  options.train.updates = updates;
  options.train.rate = Rate::constant(0.05);
  options.train.seed = 7;
  return options;
}

/// τ of the published updates in their order.
std::vector<Tau> taus(const Simulated& run) {
  std::vector<Tau> found;
  for (const TraceRecord& record : run.records)
    if (record.outcome == Outcome::published) found.push_back(record.tau());
  return found;
}

std::vector<Tau> taus_of_worker(const Simulated& run, std::size_t worker) {
  std::vector<Tau> found;
  for (const TraceRecord& record : run.records)
    if (record.worker == worker) found.push_back(record.tau());
  return found;
}

const std::vector<engine::Engine> kConsistent{engine::Synchronous{},
                                              engine::Softsync{},
                                              engine::Softsync{.n = 1},
                                              engine::Locked{},
                                              engine::Leashed{},
                                              engine::Leashed{.persistence = 0},
                                              engine::Leashed{.persistence = 2}};

TEST(constant_times_give_tau_m_minus_1) {
  for (const engine::Engine& engine : {engine::Engine{engine::Locked{}}, engine::Engine{engine::Leashed{}}})
    for (const std::size_t workers : {1, 2, 7, 64}) {
      SimulationOptions options = options_of(engine, workers, 5 * workers);
      options.compute = law::constant(0.1);
      const std::vector<Tau> found = taus(simulated(Quadratic(3), options));
      CHECK_EQUAL(found.size(), 5 * workers);
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == std::min(i, workers - 1));
    }
}

/// Pearson's statistic of a worker's τ against the geometric law with this mean, in classes that expect at least 20,
/// and its degrees of freedom.
std::pair<double, double> chi_square(const std::vector<Tau>& found, double mean) {
  const double q = mean / (mean + 1), n = static_cast<double>(found.size());
  std::map<Tau, double> counts;
  for (const Tau tau : found) ++counts[tau];
  double statistic = 0, freedom = 0, expected = 0, observed = 0, expected_left = n, left = n;
  const auto end_class = [&] {
    statistic += (observed - expected) * (observed - expected) / expected;
    expected_left -= expected;
    left -= observed;
    expected = observed = 0;
  };
  for (Tau tau = 0; expected_left - expected >= 40; ++tau) {
    expected += n * (1 - q) * std::pow(q, static_cast<double>(tau));
    observed += counts[tau];
    if (expected < 20) continue;
    end_class();
    ++freedom;
  }
  expected = expected_left;
  observed = left;
  end_class();
  return {statistic, freedom};
}

/// Whether the statistic is what one run in a thousand exceeds (Wilson and Hilferty's approximation).
bool is_geometric(const std::vector<Tau>& found, double mean) {
  const auto [statistic, freedom] = chi_square(found, mean);
  const double spread = 2 / (9 * freedom);
  return statistic < freedom * std::pow(1 - spread + 3.09 * std::sqrt(spread), 3);
}

TEST(exponential_times_give_one_worker_s_tau_the_geometric_law_with_mean_m_minus_1) {
  constexpr std::size_t kWorkers = 8;
  SimulationOptions options = options_of(engine::Locked{}, kWorkers, 40'000);
  options.compute = law::exponential(1.0);
  const Simulated run = simulated(Quadratic(1), options);
  for (const std::size_t worker : {0, 5}) CHECK(is_geometric(taus_of_worker(run, worker), kWorkers - 1));
  // The test sees other laws, and another mean.
  CHECK(!is_geometric(taus_of_worker(run, 0), kWorkers));
  for (const Law& law : {law::log_normal(1.0, 0.8), law::scaled(law::exponential(1.0), {1.0, 1.2})}) {
    options.compute = law;
    CHECK(!is_geometric(taus_of_worker(simulated(Quadratic(1), options), 0), kWorkers - 1));
  }
}

/// The same run as somebody would write it down: a copy of the parameters for each worker, the next event searched for.
std::vector<float> naive(const Objective& objective, const SimulationOptions& options) {
  struct Worker {
    std::vector<float> view;
    Version read;
    std::uint64_t batch;
    double end;
    Rng random;
  };
  const TrainOptions& train = options.train;
  const BatchSource batches(objective.num_samples(), train.batch_size, train.seed, BatchSource::kUnlimited);
  std::vector<float> theta(objective.num_parameters(), 1.0f), gradient(theta.size());
  std::vector<std::uint64_t> indices(train.batch_size);
  const ScaleTable table = train.policy.table({}, {train.workers, 0.0, 0});
  std::vector<Worker> workers;
  std::uint64_t next = 0;  // batch; who gets none never ends
  const auto seconds = [&](std::size_t w, Rng& random) {
    return next < *train.updates ? options.compute.draw({train.seed, w}, random) : HUGE_VAL;
  };
  for (std::size_t w = 0; w < train.workers; ++w) {
    Rng random(train.seed, Stream::compute_times, static_cast<std::uint32_t>(w));
    const double end = seconds(w, random);
    workers.push_back({theta, 0, next++, end, random});
  }
  for (Version version = 0; version < *train.updates; ++version) {
    const auto first = std::min_element(workers.begin(), workers.end(),
                                        [](const Worker& a, const Worker& b) { return a.end < b.end; });
    const Batch batch{first->batch, batches.samples(first->batch, indices)};
    objective.gradient(first->view.data(), batch, nullptr, gradient.data());
    const Step step{train.rate(version), table(version - first->read)};
    advance(StateLayout(theta.size()), {step, gradient.data()}, theta.data(), theta.data());
    const auto worker = static_cast<std::size_t>(first - workers.begin());
    const double end = first->end + seconds(worker, first->random);
    *first = {theta, version + 1, next++, end, first->random};
  }
  return theta;
}

TEST(a_simulation_has_the_bits_of_a_naive_one_with_a_copy_per_worker) {
  const Quadratic quadratic(37, 40);
  for (const Law& law : {law::exponential(1.0), law::log_normal(1.0, 0.5), law::spread(law::exponential(0.1), 1.0),
                         law::slow_workers(law::log_normal(1.0, 0.3), 10.0, 2)})
    for (const std::size_t workers : {2, 9, 50}) {
      SimulationOptions options = options_of(engine::Locked{}, workers, 400);
      options.compute = law;
      options.train.policy = policy::inverse_plus_one();
      CHECK(simulated(quadratic, options).theta == naive(quadratic, options));
      options.train.policy = policy::constant();
      CHECK(simulated(quadratic, options).theta == naive(quadratic, options));
    }
}

TEST(one_worker_has_the_bits_of_train_and_so_have_synchronous_ones) {
  const Quadratic quadratic(37, 40);
  for (const engine::Engine& engine :
       {engine::Engine{engine::Sequential{}}, engine::Engine{engine::Synchronous{}}, engine::Engine{engine::Locked{}},
        engine::Engine{engine::Softsync{}}, engine::Engine{engine::Leashed{}},
        engine::Engine{engine::Hogwild{.read = engine::Read::in_place}},
        engine::Engine{engine::Hogwild{.read = engine::Read::copy}}})
    for (const std::size_t workers : {1, 3}) {
      if (workers > 1 && !std::holds_alternative<engine::Synchronous>(engine)) continue;
      for (const double momentum : {0.0, 0.9}) {
        SimulationOptions options = options_of(engine, workers, 100);
        options.train.momentum = momentum;
        options.train.weight_decay = 0.01;
        options.train.rate = Rate::cosine(0.05, 0.001, 100);
        options.publish = law::exponential(0.1);
        for (const bool by_epochs : {false, true}) {
          if (by_epochs) options.train.updates.reset(), options.train.epochs = 3;
          std::vector<float> theta(37, 1.0f);
          const Report report = train(quadratic, theta, options.train);
          const Simulated run = simulated(quadratic, options);
          CHECK(run.theta == theta);
          CHECK_EQUAL(run.report.report.counts.published, report.counts.published);
          CHECK_EQUAL(run.report.report.history.size(), report.history.size());
          CHECK_NEAR(run.report.report.counts.loss_sum, report.counts.loss_sum, 1e-9);
        }
      }
    }
}

TEST(the_same_seed_gives_the_same_bytes) {
  const Quadratic quadratic(5, 40), validation(5, 10);
  for (const engine::Engine& engine : kConsistent) {
    SimulationOptions options = options_of(engine, 6, 200);
    options.publish = law::exponential(0.2);
    options.train.policy = policy::tail_tau(1.0, Cdf::mid, SampleWindow{1, 4});
    options.train.validation = &validation;
    const Simulated one = simulated(quadratic, options), two = simulated(quadratic, options);
    CHECK(one.theta == two.theta);
    CHECK_EQUAL(one.records.size(), two.records.size());
    CHECK(std::equal(one.records.begin(), one.records.end(), two.records.begin(),
                     [](const auto& a, const auto& b) { return std::memcmp(&a, &b, sizeof(TraceRecord)) == 0; }));
    const auto& rows = one.report.report.history;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const EpochRecord& other = two.report.report.history.at(i);
      CHECK_EQUAL(rows[i].seconds, other.seconds);
      CHECK_EQUAL(rows[i].since_last.loss_sum, other.since_last.loss_sum);
      CHECK_EQUAL(rows[i].validation->loss(), other.validation->loss());
    }
    options.train.seed = 8;
    CHECK(simulated(quadratic, options).theta != one.theta);
  }
}

TEST(a_replay_of_a_simulation_has_its_bits) {
  const Quadratic quadratic(37, 40);
  const std::vector<Law> laws{law::constant(1.0), law::exponential(1.0), law::log_normal(1.0, 0.5),
                              law::spread(law::exponential(1.0), 0.5),
                              law::slow_now_and_then(law::constant(1.0), 20.0, 0.05)};
  const std::vector<Policy> policies{policy::constant(),
                                     policy::tail_tau(1.0, Cdf::mid, OnlineSample{.every = 3, .half_life = 5}),
                                     policy::ringmaster(3)};
  for (const engine::Engine& engine : kConsistent)
    for (const Law& law : laws)
      for (const std::size_t workers : {1, 4, 33})
        for (const double momentum : {0.0, 0.9}) {
          SimulationOptions options = options_of(engine, workers, 300);
          options.compute = law;
          options.publish = law::exponential(workers > 4 ? 0.02 : 0.3);
          options.train.momentum = momentum;
          options.train.policy = policies[workers % policies.size()];
          const Simulated run = simulated(quadratic, options);
          check_trace(run.records, workers);
          CHECK_EQUAL(run.records.size(), run.report.report.counts.gradients);
          CHECK_EQUAL(run.report.report.counts.published, 300u);
          std::vector<float> theta(37, 1.0f);
          replay(quadratic, theta, options.train, run.records);
          CHECK(theta == run.theta);
        }
}

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
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options), "fused Hogwild cannot be simulated");
  options = options_of(engine::Locked{}, 4, 10);
  options.team = {{2.0, 3}, {1.0, 4}};
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options), "one after the other; got 1 after 2");
  options = options_of(engine::Locked{}, 4, 10);
  options.train.correction = correction::NormClipped{1.0};
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options), "a simulation corrects no gradients");
  options = options_of(engine::Locked{}, (1 << 16) + 1, 10);
  CHECK_THROWS(std::invalid_argument, simulated(quadratic, options), "workers must be at most 65536");
}

}  // namespace
