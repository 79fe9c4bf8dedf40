// How a run ends when something fails, wherever that is: every worker after its update, no thread stays, the exception
// is the original one, and the parameters are finite.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <limits>
#include <thread>
#include <vector>

#include "asap/kernels/kernels.h"
#include "asap/train/make_store.h"
#include "asap/train/team.h"
#include "check.h"
#include "engines.h"
#include "farewell.h"
#include "quadratic.h"

namespace {

using namespace asap;

constexpr std::size_t kWorkers = 4;  // at most

std::size_t num_threads() {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator{}));
}

/// Whether there are as many threads as before. The system lists one for a moment after it was joined.
bool no_thread_stays(std::size_t before) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (num_threads() != before && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  return num_threads() == before;
}

struct Planted : std::runtime_error {
  Planted() : std::runtime_error("planted") {}
};

/// Where the same exception object can be thrown.
enum class Place { gradient, policy, validation, epoch, tick };

class Failing : public Quadratic {
 public:
  explicit Failing(Place place) : Quadratic(4, 100), place_(place) {}

  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
    if (batch.id == 50) fail_at(Place::gradient);
    return Quadratic::gradient(theta, batch, workspace, gradient);
  }

  Metrics evaluate(const float* theta, const Batch& batch, Workspace* workspace) const override {
    fail_at(Place::validation);
    return Quadratic::evaluate(theta, batch, workspace);
  }

  void fail_at(Place place) const {
    if (place == place_) std::rethrow_exception(planted);
  }

  const std::exception_ptr planted = std::make_exception_ptr(Planted());

 private:
  const Place place_;
};

struct FailingObserver : Observer {
  explicit FailingObserver(const Failing& the_failing) : failing(the_failing) {}
  void on_epoch(const EpochRecord&, LiveRun&) override { failing.fail_at(Place::epoch); }
  void on_tick(LiveRun& live) override {
    if (live.counts().published > 0) failing.fail_at(Place::tick);
  }
  void on_failure(const Failure& at) noexcept override { failures.push_back(at); }

  const Failing& failing;
  std::vector<Failure> failures;
};

Policy failing_policy(const Failing& failing) {
  const auto table = [&](const Distribution& distribution, const StepContext& context) {
    if (distribution.total() > 0) failing.fail_at(Place::policy);
    return policy::constant().table(distribution, context);
  };
  return {"failing", table, SampleWindow{1, 3}};
}

/// Fails in one gradient. Those begun since wait until the worker that failed is gone, so that each of the others can
/// begin one at most, however the threads are scheduled.
struct FailingOnce : Quadratic {
  FailingOnce() : Quadratic(4, 100) {}

  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
    if (batch.id == 50) {
      thread_local const Farewell farewell(gone);
      failed = true;
      throw Planted();
    }
    if (failed) {
      thread_local int begun_late = 0;
      if (++begun_late > 1) ++went_on;
      gone.wait(false);
    }
    return Quadratic::gradient(theta, batch, workspace, gradient);
  }

  mutable std::atomic<bool> failed{false}, gone{false};
  mutable std::atomic<int> went_on{0};
};

}  // namespace

TEST(an_exception_ends_the_run_once_wherever_it_is_thrown) {
  std::thread([] {}).join();  // ThreadSanitizer starts one of its own with the first
  for (const engine::Engine& engine : engines::kOfEachKind)
    for (const Place place : {Place::gradient, Place::policy, Place::validation, Place::epoch, Place::tick}) {
      const Failing failing(place);
      FailingObserver observer(failing);
      TrainOptions options{
          .engine = engine, .workers = engines::workers_of(engine, kWorkers), .policy = failing_policy(failing)};
      options.epochs = 1'000'000'000;
      options.validation = &failing;
      const std::vector<float> start(4, 1.0f);
      std::vector<float> theta = start;
      const std::size_t before = num_threads();
      std::exception_ptr caught;
      try {
        train(failing, theta, options, observer);
      } catch (...) {
        caught = std::current_exception();
      }
      CHECK(caught == failing.planted);
      CHECK(no_thread_stays(before));
      CHECK_EQUAL(observer.failures.size(), 1u);
      for (const Failure& at : observer.failures) CHECK_EQUAL(at.worker.has_value(), place == Place::gradient);
      CHECK(kernels::active().all_finite(theta.size(), theta.data()));
      CHECK(theta != start);
    }
}

TEST(when_a_worker_fails_each_of_the_others_begins_one_gradient_more_at_most) {
  for (const engine::Engine& engine : engines::kOfEachKind) {
    const FailingOnce failing;
    std::vector<float> theta(4, 1.0f);
    CHECK_THROWS(Planted,
                 train(failing, theta,
                       {.engine = engine,
                        .workers = engines::workers_of(engine, kWorkers),
                        .batch_size = 1,
                        .updates = 1'000'000}),
                 "planted");
    CHECK_EQUAL(failing.went_on, 0);
  }
}

TEST(once_a_run_is_to_stop_each_worker_begins_one_gradient_more_at_most) {
  struct Watching : Quadratic {
    Watching() : Quadratic(4, 100) {}
    double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
      thread_local int begun_late = 0;
      if (!signal->goes() && ++begun_late > 1) ++went_on;
      if (++begun == 1000) begun.notify_all();
      return Quadratic::gradient(theta, batch, workspace, gradient);
    }
    const Signal* signal = nullptr;
    mutable std::atomic<int> begun{0}, went_on{0};
  };
  for (const engine::Engine& engine : engines::kOfEachKind) {
    Watching objective;
    const TrainOptions options{
        .engine = engine, .workers = engines::workers_of(engine, kWorkers), .batch_size = 1, .updates = 1'000'000};
    RunState state(objective, options);
    objective.signal = &state.signal;
    const std::vector<float> start(4, 1.0f);
    std::visit(
        [&](const auto& plain) {
          auto store = make_store(plain, StateLayout(4, 0.0f), options.workers, start);
          const Team team(state, store);
          for (int begun = objective.begun; begun < 1000; begun = objective.begun) objective.begun.wait(begun);
        },  // as when the calling thread fails: the team is destroyed
        engine);
    CHECK_EQUAL(objective.went_on, 0);
    CHECK(state.totals().gradients < *options.updates);
  }
}

TEST(after_a_failure_the_last_finite_snapshot_is_kept) {
  struct Exploding : Quadratic {  // the loss hides it
    Exploding() : Quadratic(4, 100) {}
    double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
      if (batch.id == 0) waited_for.wait(false);
      if (batch.id == 451) {
        failed = true;
        failed.notify_all();
        throw Planted();
      }
      states.emplace_back(theta, theta + 4);
      Quadratic::gradient(theta, batch, workspace, gradient);
      if (batch.id == 450) gradient[0] = std::numeric_limits<float>::infinity();
      return 1.0;
    }
    mutable std::vector<std::vector<float>> states;  // before every update
    mutable std::atomic<bool> waited_for{false}, failed{false};
  };
  struct Busy : Observer {  // from before the first update to the failure: snapshots wait to be looked at
    explicit Busy(const Exploding& the_exploding) : exploding(the_exploding) {}
    void on_tick(LiveRun&) override {
      exploding.waited_for = true;
      exploding.waited_for.notify_all();
      exploding.failed.wait(false);
    }
    const Exploding& exploding;
  };
  for (const engine::Engine& engine : engines::kOfEachKind) {
    const Exploding exploding;
    std::vector<float> theta(4, 1.0f);
    Busy observer(exploding);
    CHECK_THROWS(Planted, train(exploding, theta, {.engine = engine, .batch_size = 1, .epochs = 10}, observer),
                 "planted");
    const auto after_an_epoch = exploding.states.begin() + 100;
    CHECK(std::find(after_an_epoch, exploding.states.end(), theta) != exploding.states.end());
  }
}
