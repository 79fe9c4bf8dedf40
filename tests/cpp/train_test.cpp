// Whole runs: limits, counts, bit-identity, failures, the observer.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "asap/kernels/kernels.h"
#include "asap/train/evaluate.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "engines.h"
#include "quadratic.h"

namespace {

using namespace asap;

const std::vector<engine::Engine> kAsynchronous{engine::Locked{},
                                                engine::Hogwild{},
                                                engine::Hogwild{.read = engine::Read::in_place},
                                                engine::Hogwild{.read = engine::Read::copy},
                                                engine::Leashed{},
                                                engine::Leashed{.read = engine::Read::in_place},
                                                engine::Leashed{.read = engine::Read::copy},
                                                engine::Leashed{.persistence = 0},
                                                engine::Leashed{.persistence = 2},
                                                engine::Softsync{},
                                                engine::Softsync{.n = 1}};

std::vector<engine::Engine> all_engines() {
  std::vector<engine::Engine> engines = kAsynchronous;
  engines.insert(engines.begin(), {engine::Sequential{}, engine::Synchronous{}});
  return engines;
}

bool is_synchronous(const engine::Engine& engine) { return std::holds_alternative<engine::Synchronous>(engine); }
bool is_hogwild(const engine::Engine& engine) { return std::holds_alternative<engine::Hogwild>(engine); }

std::uint64_t total(const std::vector<Distribution>& distributions) {
  std::uint64_t sum = 0;
  for (const Distribution& distribution : distributions) sum += distribution.total();
  return sum;
}

void check_counts(const Report& report) {
  const Counts& counts = report.counts;
  CHECK_EQUAL(counts.gradients, counts.published + counts.merged + counts.gathered + counts.dropped + counts.rejected);
  CHECK_EQUAL(total(report.staleness), counts.scaled());
  CHECK_EQUAL(total(report.rejections), counts.rejected);
  CHECK(counts.attempts >= counts.published);
  CHECK(report.vectors_high_water >= 1);
  Counts rows;
  for (const EpochRecord& row : report.history) rows.published += row.since_last.published;
  CHECK_EQUAL(rows.published, counts.published);
  CHECK_EQUAL(report.history.back().updates, counts.published);
}

/// Remembers everything it is told.
struct Recorder : Observer {
  std::vector<EpochRecord> rows;
  int ticks = 0;
  std::thread::id thread = std::this_thread::get_id();
  void on_epoch(const EpochRecord& row, LiveRun&) override {
    CHECK(std::this_thread::get_id() == thread);
    rows.push_back(row);
  }
  void on_tick(LiveRun&) override { ++ticks; }
};

}  // namespace

// All samples in a batch: no noise. The rate falls, so that what a worker interrupted for long publishes at last is
// small. In Hogwild! such a worker may write back parameters of long ago, so there one of five runs must arrive.
TEST(every_engine_finds_the_minimum_of_a_quadratic) {
  const Quadratic quadratic(10, 64);
  const auto distance_left = [&](const engine::Engine& engine) {
    std::vector<float> theta(10, 3.0f);
    const Report report = train(quadratic, theta,
                                {.engine = engine,
                                 .workers = engines::workers_of(engine, 3),
                                 .batch_size = 64,
                                 .updates = 3000,
                                 .rate = Rate::step(0.2, 0.5, 300)});
    CHECK(report.status == Status::completed);
    check_counts(report);
    double largest = 0;
    for (std::size_t j = 0; j < 10; ++j) largest = std::max(largest, std::abs(theta[j] - quadratic.minimum(j)));
    return largest;
  };
  for (const engine::Engine& engine : all_engines()) {
    double distance = distance_left(engine);
    for (int more = 4; is_hogwild(engine) && distance > 0.01 && more > 0; --more) distance = distance_left(engine);
    CHECK_NEAR(distance, 0.0, 0.01);
  }
}

TEST(with_one_worker_every_engine_is_bit_identical_to_sequential) {
  const Quadratic quadratic(37, 50);
  for (const double momentum : {0.0, 0.9})
    for (const double weight_decay : {0.0, 0.01}) {
      std::vector<float> expected;
      for (const engine::Engine& engine : all_engines()) {
        std::vector<float> theta(37, 1.0f);
        const Report report = train(quadratic, theta,
                                    {.engine = engine,
                                     .batch_size = 7,
                                     .epochs = 5,
                                     .rate = Rate::cosine(0.1, 0.0, 40),
                                     .momentum = momentum,
                                     .weight_decay = weight_decay,
                                     .seed = 11});
        if (expected.empty()) expected = theta;
        CHECK(theta == expected);
        CHECK_EQUAL(report.counts.published, 5u * 8u);
        CHECK_EQUAL(report.staleness[0].max_tau(), 0u);
      }
    }
}

TEST(seeds_fix_the_order_of_batches) {
  const Quadratic quadratic(5, 50);
  const auto run = [&](std::uint64_t seed) {
    std::vector<float> theta(5, 1.0f);
    train(quadratic, theta, {.engine = engine::Sequential{}, .batch_size = 7, .epochs = 1, .seed = seed});
    return theta;
  };
  CHECK(run(1) == run(1));
  CHECK(run(1) != run(2));
}

TEST(synchronous_rounds_do_not_depend_on_timing) {
  const Quadratic quadratic(19, 53);
  std::vector<float> expected;
  for (int repeat = 0; repeat < 10; ++repeat) {
    std::vector<float> theta(19, 1.0f);
    const Report report =
        train(quadratic, theta,
              {.engine = engine::Synchronous{}, .workers = 4, .batch_size = 5, .epochs = 3, .momentum = 0.5});
    if (expected.empty()) expected = theta;
    CHECK(theta == expected);
    CHECK_EQUAL(report.counts.published, 9u);  // 33 batches in rounds of 4: eight full rounds and a short one
    CHECK_EQUAL(report.counts.gradients, 33u);
    check_counts(report);
  }
}

// m workers with batch b, averaged, are one worker with batch m·b.
TEST(a_synchronous_round_equals_one_large_batch) {
  const Quadratic quadratic(6, 60);
  std::vector<float> rounds(6, 1.0f), large(6, 1.0f);
  train(quadratic, rounds, {.engine = engine::Synchronous{}, .workers = 3, .batch_size = 5, .epochs = 4});
  train(quadratic, large, {.engine = engine::Sequential{}, .batch_size = 15, .epochs = 4});
  for (std::size_t j = 0; j < 6; ++j) CHECK_NEAR(rounds[j], large[j], 1e-5);
}

TEST(epochs_are_passes_over_the_data_and_updates_are_published_updates) {
  const Quadratic quadratic(4, 100);
  for (const engine::Engine& engine : all_engines()) {
    const std::size_t workers = engines::workers_of(engine, 4);
    std::vector<float> theta(4);
    const Report epochs =
        train(quadratic, theta, {.engine = engine, .workers = workers, .batch_size = 10, .epochs = 7});
    CHECK_EQUAL(epochs.counts.gradients, 70u);
    CHECK_EQUAL(epochs.counts.samples, 700u);
    check_counts(epochs);
    const Report updates =
        train(quadratic, theta, {.engine = engine, .workers = workers, .batch_size = 10, .updates = 123});
    CHECK_EQUAL(updates.counts.published, 123u);
    check_counts(updates);
  }
}

TEST(the_first_limit_ends_the_run) {
  const Quadratic quadratic(4, 100);
  std::vector<float> theta(4);
  const Report by_epochs = train(quadratic, theta, {.workers = 2, .batch_size = 10, .epochs = 2, .updates = 1000});
  CHECK_EQUAL(by_epochs.counts.gradients, 20u);
  const Report by_updates = train(quadratic, theta, {.workers = 2, .batch_size = 10, .epochs = 2, .updates = 7});
  CHECK_EQUAL(by_updates.counts.published, 7u);
  const Report by_time = train(quadratic, theta, {.workers = 2, .batch_size = 10, .seconds = 0.2});
  CHECK(by_time.status == Status::completed);
  CHECK(by_time.seconds >= 0.2);
}

TEST(limits_beyond_all_counting_are_no_small_ones) {
  const Quadratic quadratic(4, 64);
  constexpr std::uint64_t kHuge = std::uint64_t{1} << 63;
  for (const engine::Engine& engine : {engine::Engine{engine::Leashed{}}, engine::Engine{engine::Synchronous{}}}) {
    std::vector<float> theta(4);
    const Report epochs =
        train(quadratic, theta, {.engine = engine, .workers = 2, .batch_size = 1, .epochs = kHuge, .updates = 50});
    CHECK_EQUAL(epochs.counts.published, 50u);
    const Report updates =
        train(quadratic, theta, {.engine = engine, .workers = 2, .batch_size = 1, .epochs = 1, .updates = kHuge});
    CHECK_EQUAL(updates.counts.gradients, 64u);
  }
}

TEST(integer_gradients_are_conserved_through_whole_runs) {
  const Ones ones(21, 100);
  for (const engine::Engine& engine : all_engines()) {
    std::vector<float> theta(21, 0.0f);
    const std::size_t workers = engines::workers_of(engine, 4);
    const Report report =
        train(ones, theta,
              {.engine = engine, .workers = workers, .batch_size = 1, .updates = 2000, .rate = Rate::constant(1.0)});
    for (const float value : theta) {
      if (is_hogwild(engine))
        CHECK(value <= 0.0f && value >= -2000.0f);
      else if (is_synchronous(engine))
        CHECK_NEAR(value, -2000.0, 0.1);  // averages of ones by 1/4: exact, shown here
      else
        CHECK_EQUAL(value, -2000.0f);
    }
    check_counts(report);
  }
}

TEST(rejected_updates_are_counted_and_replaced_by_others) {
  const Quadratic quadratic(3, 100);
  for (const engine::Engine& engine : kAsynchronous) {
    std::vector<float> theta(3);
    const Report report = train(
        quadratic, theta,
        {.engine = engine, .workers = 4, .batch_size = 2, .updates = 3000, .policy = policy::fixed({1.0, 0.5, 0.0})});
    CHECK_EQUAL(report.counts.published, 3000u);
    for (const Distribution& distribution : report.rejections)
      for (Tau tau = 0; tau < 2; ++tau) CHECK_EQUAL(distribution.probability(tau), 0.0);
    check_counts(report);
  }
}

// Nothing is published any more, so τ is 0 from the next gradient on, and rejected for ever.
TEST(a_policy_that_rejects_fresh_gradients_cannot_reach_a_number_of_updates) {
  const Quadratic quadratic(3, 100);
  const Policy late{"late",
                    [](const Distribution& d, const StepContext&) { return ScaleTable({d.empty() ? 1.0 : 0.0}); },
                    SampleWindow{1, 2}};
  for (const engine::Engine& engine : all_engines()) {
    const std::size_t workers = engines::workers_of(engine, 3);
    std::vector<float> theta(3, 1.0f);
    const auto options = [&](const Policy& policy) {
      return TrainOptions{.engine = engine, .workers = workers, .batch_size = 10, .policy = policy};
    };
    TrainOptions never = options(policy::fixed({0.0, 1.0})), later = options(late);
    never.updates = later.updates = std::uint64_t{1} << 40;
    CHECK_THROWS(std::invalid_argument, train(quadratic, theta, never), "policy 'table' rejects fresh gradients");
    CHECK(theta == std::vector<float>(3, 1.0f));
    CHECK_THROWS(std::invalid_argument, train(quadratic, theta, later), "policy 'late' rejects fresh gradients");
    CHECK(theta != std::vector<float>(3, 1.0f));  // what was learnt before is kept
    TrainOptions idle = options(policy::fixed({0.0}));
    idle.epochs = 3;
    const Report report = train(quadratic, theta, idle);
    CHECK_EQUAL(report.counts.rejected, 30u);
    CHECK_EQUAL(report.counts.published, 0u);
    check_counts(report);
  }
}

/// Ends a run at the first tick at which the policy has been called so often, however long that takes.
class UntilCalled final : public Observer {
 public:
  UntilCalled(const std::vector<std::uint64_t>& calls, std::size_t enough) : calls_(calls), enough_(enough) {}
  void on_tick(LiveRun& live) override {
    if (calls_.size() >= enough_) live.request_stop();
  }

 private:
  const std::vector<std::uint64_t>& calls_;
  const std::size_t enough_;
};

TEST(the_policy_gets_exactly_the_updates_of_its_window) {
  const Quadratic quadratic(3, 100);
  for (const engine::Engine& engine : all_engines()) {
    std::vector<std::uint64_t> totals;
    Policy policy{"probe",
                  [&](const Distribution& distribution, const StepContext&) {
                    totals.push_back(distribution.total());
                    return ScaleTable({1.0});
                  },
                  SampleWindow{10, 15}};
    std::vector<float> theta(3);
    const std::size_t workers = engines::workers_of(engine, 4);
    UntilCalled observer(totals, 2);
    const Report report =
        train(quadratic, theta,
              {.engine = engine, .workers = workers, .batch_size = 2, .seconds = 1e6, .policy = policy}, observer);
    // Of several gradients of one update those may be missing that are published, but not yet counted.
    const auto* softsync = std::get_if<engine::Softsync>(&engine);
    const std::uint64_t all = 5 * workers * (softsync ? softsync->gradients(workers) : 1);
    const std::uint64_t missing = all == 5 * workers ? 0 : workers - 1;
    CHECK(totals.size() == 2 && totals.front() == 0 && totals.back() <= all && totals.back() + missing >= all);
    CHECK_EQUAL(report.tables.tables.size(), 2u);
    CHECK(report.tables.tables.back().version >= 15 * workers);
  }
}

TEST(the_effective_step_is_the_mean_of_rate_times_scale) {
  const Quadratic quadratic(3, 100);
  std::vector<float> theta(3);
  const Report report = train(quadratic, theta,
                              {.engine = engine::Leashed{},
                               .workers = 4,
                               .batch_size = 2,
                               .updates = 2000,
                               .rate = Rate::constant(0.1),
                               .policy = policy::inverse_plus_one()});
  double expected = 0;
  for (const Distribution& distribution : report.staleness)
    for (Tau tau = 0; tau <= distribution.max_tau(); ++tau)
      expected += 0.1 / static_cast<double>(tau + 1) *
                  (distribution.counts().empty() ? 0.0 : static_cast<double>(distribution.counts()[tau]));
  CHECK_NEAR(report.counts.effective_step(), expected / 2000.0, 1e-12);
}

TEST(the_history_has_a_row_per_epoch_and_is_validated_on_snapshots) {
  const Quadratic quadratic(4, 100), held_out(4, 30);
  for (const engine::Engine& engine : all_engines()) {
    Recorder recorder;
    std::vector<float> theta(4, 2.0f);
    const std::size_t workers = engines::workers_of(engine, 3);
    const Report report = train(quadratic, theta,
                                {.engine = engine,
                                 .workers = workers,
                                 .batch_size = 10,
                                 .epochs = 5,
                                 .rate = Rate::constant(0.1),
                                 .validation = &held_out},
                                recorder);
    CHECK_EQUAL(recorder.rows.size(), report.history.size());
    CHECK(recorder.rows.back().validation.has_value());
    if (workers == 1) CHECK_EQUAL(report.history.size(), 5u);
    double before = 0;  // with several workers two ends so close together may share a row
    for (const EpochRecord& row : report.history) {
      CHECK(row.epoch > before && row.epoch == std::floor(row.epoch));
      before = row.epoch;
    }
    CHECK_EQUAL(report.history.back().epoch, 5.0);
    CHECK(report.history.back().validation.has_value());
    CHECK_EQUAL(report.history.back().validation->samples, 30u);
    CHECK_NEAR(report.history.back().validation->loss(), evaluate(held_out, theta.data()).loss(), 1e-9);
    check_counts(report);
  }
}

TEST(the_observer_sees_the_live_run_and_can_stop_it) {
  struct Stopper : Observer {
    std::uint64_t seen = 0;
    void on_epoch(const EpochRecord& row, LiveRun& live) override {
      std::vector<float> theta(4);
      CHECK(live.snapshot(theta) >= row.updates);
      CHECK(live.counts().published >= row.updates);
      CHECK(live.staleness().total() + 2 >= row.updates);  // each of 2 workers may be within an update
      if (++seen == 3) live.request_stop();
    }
  };
  const Quadratic quadratic(4, 1000);
  for (const engine::Engine& engine : kAsynchronous) {
    Stopper stopper;
    std::vector<float> theta(4);
    const Report report =
        train(quadratic, theta, {.engine = engine, .workers = 2, .batch_size = 1, .epochs = 1000000}, stopper);
    CHECK(report.status == Status::stopped);
    check_counts(report);
  }
}

// With one worker the parameters of version t are those of a run of t updates, in every engine.
TEST(the_observer_gets_snapshots_of_the_versions_that_they_name) {
  struct Snapshots : Observer {
    std::vector<std::pair<Version, std::vector<float>>> taken;
    void on_snapshot(std::span<const float> theta, const Moment& moment, LiveRun&) override {
      taken.emplace_back(moment.version, std::vector(theta.begin(), theta.end()));
    }
  };
  const Quadratic quadratic(37, 50);
  const auto run = [&](const engine::Engine& engine, std::uint64_t updates, std::optional<std::uint64_t> every,
                       Observer& observer) {
    std::vector<float> theta(37, 1.0f);
    const TrainOptions options{
        .engine = engine, .batch_size = 7, .updates = updates, .rate = Rate::constant(0.1), .snapshots = every};
    const Report report = train(quadratic, theta, options, observer);
    CHECK_EQUAL(report.counts.published, updates);
    return theta;
  };
  Observer silent;
  for (const engine::Engine& engine : all_engines()) {
    Snapshots snapshots;
    const std::vector<float> end = run(engine, 2000, 10, snapshots);
    CHECK(end == run(engine, 2000, std::nullopt, silent));
    Version last = 0;
    for (const auto& [version, theta] : snapshots.taken) {
      CHECK_EQUAL(version % 10, 0u);
      CHECK(version > last);
      last = version;
      CHECK(theta == run(engine, version, std::nullopt, silent));
    }
    CHECK(last >= 10 && last <= 2000);
  }
}

// Every gradient is all ones, so that version t is −t in every component: a torn snapshot, or one of another version
// than it says, would be seen. However many are left out, the first one is not: the queue is empty then.
TEST(snapshots_of_several_workers_are_whole_and_of_the_version_that_they_name) {
  struct Checked : Observer {
    Version most = 0, taken = 0;
    void on_snapshot(std::span<const float> theta, const Moment& moment, LiveRun&) override {
      for (const float value : theta) CHECK_EQUAL(value, -static_cast<float>(moment.version));
      most = std::max(most, moment.version);
      ++taken;
    }
  };
  const Ones ones(1021, 100);
  for (const engine::Engine& engine : all_engines()) {
    if (is_hogwild(engine) || engines::alone(engine) || is_synchronous(engine)) continue;
    Checked observer;
    std::vector<float> theta(1021, 0.0f);
    train(
        ones, theta,
        {.engine = engine, .workers = 4, .batch_size = 1, .updates = 3000, .rate = Rate::constant(1.0), .snapshots = 3},
        observer);
    CHECK(observer.taken >= 1 && observer.most <= 3000);
  }
}

TEST(an_exception_of_a_worker_ends_the_run_once_and_for_all) {
  struct Faulty : Quadratic {
    using Quadratic::Quadratic;
    mutable std::atomic<int> calls{0};
    double gradient(const float* theta, const Batch& batch, Workspace* w, float* g) const override {
      if (++calls == 50) throw std::runtime_error("objective failed");
      return Quadratic::gradient(theta, batch, w, g);
    }
  };
  for (const engine::Engine& engine : all_engines()) {
    const Faulty faulty(4, 100);
    std::vector<float> theta(4, 1.0f);
    const std::size_t workers = engines::workers_of(engine, 4);
    CHECK_THROWS(std::runtime_error,
                 train(faulty, theta, {.engine = engine, .workers = workers, .batch_size = 1, .updates = 1000000}),
                 "objective failed");
    CHECK(kernels::active().all_finite(4, theta.data()));
    CHECK(theta != std::vector<float>(4, 1.0f));  // what was learnt so far is kept
  }
}

TEST(exceptions_of_workspaces_policies_and_observers_are_passed_on) {
  struct NoWorkspace : Quadratic {
    using Quadratic::Quadratic;
    std::unique_ptr<Workspace> workspace(std::size_t) const override { throw std::runtime_error("no workspace"); }
  };
  struct Rude : Observer {
    void on_tick(LiveRun&) override { throw std::runtime_error("rude observer"); }
  };
  const Quadratic quadratic(4, 100);
  std::vector<float> theta(4, 1.0f);
  for (const engine::Engine& engine : kAsynchronous) {
    CHECK_THROWS(std::runtime_error,
                 train(NoWorkspace(4, 100), theta, {.engine = engine, .workers = 3, .updates = 100}), "no workspace");
    Rude rude;
    CHECK_THROWS(std::runtime_error, train(quadratic, theta, {.engine = engine, .workers = 3, .seconds = 20.0}, rude),
                 "rude observer");
    const Policy failing{"failing",
                         [](const Distribution& distribution, const StepContext&) {
                           if (!distribution.empty()) throw std::runtime_error("no table");
                           return ScaleTable({1.0});
                         },
                         SampleWindow{1, 2}};
    CHECK_THROWS(std::runtime_error,
                 train(quadratic, theta, {.engine = engine, .workers = 3, .seconds = 20.0, .policy = failing}),
                 "no table");
  }
}

TEST(a_diverging_run_ends_as_diverged_with_finite_parameters) {
  const Quadratic quadratic(4, 100);
  for (const engine::Engine& engine : all_engines()) {
    std::vector<float> theta(4, 1.0f);
    const std::size_t workers = engines::workers_of(engine, 3);
    const Report report =
        train(quadratic, theta,
              {.engine = engine, .workers = workers, .batch_size = 10, .epochs = 100000, .rate = Rate::constant(1e6)});
    CHECK(report.status == Status::diverged);
    CHECK(kernels::active().all_finite(4, theta.data()));
  }
}

TEST(parameters_that_are_not_finite_are_found_even_if_the_loss_hides_them) {
  struct Blind : Quadratic {
    using Quadratic::Quadratic;
    double gradient(const float*, const Batch&, Workspace*, float* gradient) const override {
      for (std::size_t j = 0; j < num_parameters(); ++j) gradient[j] = std::numeric_limits<float>::quiet_NaN();
      return 0.5;
    }
  };
  for (const engine::Engine& engine : kAsynchronous) {
    std::vector<float> theta(4, 1.0f);
    const Report report =
        train(Blind(4, 100), theta, {.engine = engine, .workers = 2, .batch_size = 10, .epochs = 100000});
    CHECK(report.status == Status::diverged);
    CHECK(theta == std::vector<float>(4, 1.0f));
  }
}

TEST(several_runs_at_the_same_time_do_not_disturb_each_other) {
  const Quadratic quadratic(8, 50);
  const TrainOptions options{.engine = engine::Synchronous{}, .workers = 2, .batch_size = 5, .epochs = 20};
  std::vector<float> alone(8, 1.0f);
  train(quadratic, alone, options);
  std::vector<std::vector<float>> thetas(4, std::vector<float>(8, 1.0f));
  std::vector<std::thread> threads;
  for (auto& theta : thetas) threads.emplace_back([&] { train(quadratic, theta, options); });
  for (auto& thread : threads) thread.join();
  for (const auto& theta : thetas) CHECK(theta == alone);
}

TEST(options_that_do_not_fit_are_named) {
  const Quadratic quadratic(4, 100);
  std::vector<float> theta(4);
  const auto refused = [&](TrainOptions options, const char* part) {
    CHECK_THROWS(std::invalid_argument, train(quadratic, theta, options), part);
  };
  refused({.workers = 0, .epochs = 1}, "workers");
  refused({.workers = 5000, .epochs = 1}, "at most 4096; got 5000");
  refused({.engine = engine::Sequential{}, .workers = 2, .epochs = 1}, "exactly 1 worker; got workers = 2");
  refused({.batch_size = 0, .epochs = 1}, "batch_size");
  refused({.workers = 1}, "epochs, updates and seconds");
  refused({.epochs = 0}, "epochs");
  refused({.updates = 0}, "updates");
  refused({.seconds = -1.0}, "seconds");
  refused({.epochs = 1, .snapshots = 0}, "snapshots");
  refused({.epochs = 1, .momentum = 1.0}, "momentum");
  refused({.epochs = 1, .weight_decay = -0.1}, "weight_decay");
  const Quadratic smaller(3, 100), empty(4, 0);
  refused({.epochs = 1, .validation = &smaller}, "validation must have 4 parameters, as the objective; got 3");
  refused({.epochs = 1, .validation = &empty}, "validation has no samples");
  refused({.epochs = 1, .policy = {"p", policy::constant().table, SampleWindow{5, 5}}}, "first < last");
  refused({.workers = 2, .epochs = 1, .policy = {"p", policy::constant().table, SampleWindow{5, 2}}}, "(5, 2)");
  std::vector<float> wrong(5), infinite(4, std::numeric_limits<float>::infinity());
  CHECK_THROWS(std::invalid_argument, train(quadratic, wrong, {.epochs = 1}), "4 parameters; got 5");
  CHECK_THROWS(std::invalid_argument, evaluate(quadratic, theta.data(), 0), "batch_size");
  CHECK_THROWS(std::invalid_argument, train(quadratic, infinite, {.epochs = 1}), "finite");
}
