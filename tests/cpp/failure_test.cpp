// What a run says when something fails: where it was, once.
#include <atomic>
#include <latch>
#include <string>
#include <vector>

#include "asap/train/trainer.h"
#include "check.h"
#include "engines.h"
#include "farewell.h"
#include "quadratic.h"
#include "witness.h"

namespace {

using namespace asap;

constexpr std::size_t kWorkers = 3;  // at most

/// Fails in one batch.
struct FailingIn : Quadratic {
  explicit FailingIn(std::uint64_t the_batch) : Quadratic(4, 100), batch(the_batch) {}

  double gradient(const float* theta, const Batch& of, Workspace* workspace, float* gradient) const override {
    if (of.id == batch) throw std::runtime_error("spoilt");
    return Quadratic::gradient(theta, of, workspace, gradient);
  }

  const std::uint64_t batch;
};

/// Fails in a batch once the other workers have begun so many more since its parameters were read.
struct Overtaken : Quadratic {
  static constexpr std::uint64_t kBatch = 50, kMore = 20;
  Overtaken() : Quadratic(4, 100) {}

  double gradient(const float* theta, const Batch& of, Workspace* workspace, float* gradient) const override {
    if (of.id == kBatch) {
      waits = true;
      for (std::uint64_t begun = more; begun < kMore; begun = more) more.wait(begun);
      throw std::runtime_error("overtaken");
    }
    if (waits) {
      ++more;
      more.notify_all();
    }
    return Quadratic::gradient(theta, of, workspace, gradient);
  }

  mutable std::atomic<bool> waits{false};
  mutable std::atomic<std::uint64_t> more{0};
};

/// All workers fail, each in a batch of its own: the others only when the thread of the first one is gone.
struct FailingAll : Quadratic {
  static constexpr std::uint64_t kFirst = 51;  // of a round of three
  explicit FailingAll(std::size_t workers) : Quadratic(4, 100), all(static_cast<std::ptrdiff_t>(workers)) {}

  double gradient(const float* theta, const Batch& of, Workspace* workspace, float* gradient) const override {
    if (of.id < kFirst) return Quadratic::gradient(theta, of, workspace, gradient);
    all.arrive_and_wait();
    if (of.id != kFirst) gone.wait(false);
    thread_local const Farewell farewell(gone);
    throw std::runtime_error("batch " + std::to_string(of.id));
  }

  mutable std::latch all;
  mutable std::atomic<bool> gone{false};
};

}  // namespace

TEST(a_failing_worker_says_which_batch_and_how_stale_its_parameters_were) {
  for (const engine::Engine& engine : engines::kOfEachKind) {
    Witness witness;
    std::vector<float> theta(4, 1.0f);
    CHECK_THROWS(
        std::runtime_error,
        train(FailingIn(50), theta,
              {.engine = engine, .workers = engines::workers_of(engine, kWorkers), .batch_size = 1, .updates = 1000000},
              witness),
        "spoilt");
    CHECK_EQUAL(witness.calls, 1);
    CHECK(witness.failure.worker && *witness.failure.worker < engines::workers_of(engine, kWorkers));
    CHECK(witness.failure.batch == 50u);
    CHECK(witness.failure.read <= 50u);
    CHECK(witness.failure.tau <= witness.failure.updates);
    if (engines::workers_of(engine, kWorkers) == 1) CHECK_EQUAL(witness.failure.read, 50u);
    if (std::holds_alternative<engine::Synchronous>(engine)) CHECK(witness.failure.worker == 50 % 3);
  }
}

TEST(a_failing_worker_counts_the_updates_that_it_missed) {
  const std::vector<engine::Engine> engines{engine::Locked{}, engine::Hogwild{}, engine::Leashed{}, engine::Softsync{}};
  for (const engine::Engine& engine : engines) {
    Witness witness;
    std::vector<float> theta(4, 1.0f);
    CHECK_THROWS(
        std::runtime_error,
        train(Overtaken(), theta, {.engine = engine, .workers = 3, .batch_size = 1, .updates = 1000000}, witness),
        "overtaken");
    const Failure& at = witness.failure;
    CHECK(at.read + 2 >= Overtaken::kBatch);  // each of the two others may be at an update, then and now
    CHECK(at.tau + 2 >= Overtaken::kMore);
    CHECK_EQUAL(at.read + at.tau, at.updates);
  }
}

TEST(the_first_failure_counts) {
  for (const engine::Engine& engine : engines::kOfEachKind) {
    Witness witness;
    std::vector<float> theta(4, 1.0f);
    CHECK_THROWS(
        std::runtime_error,
        train(FailingAll(engines::workers_of(engine, kWorkers)), theta,
              {.engine = engine, .workers = engines::workers_of(engine, kWorkers), .batch_size = 1, .updates = 1000000},
              witness),
        "batch 51");
    CHECK(witness.failure.batch == FailingAll::kFirst);
  }
}

TEST(a_failure_of_the_calling_thread_names_no_worker) {
  struct Rude : Witness {
    void on_epoch(const EpochRecord& row, LiveRun&) override {
      updates = row.updates;
      throw std::runtime_error("rude observer");
    }
    Version updates = 0;
  };
  Rude rude;
  std::vector<float> theta(4, 1.0f);
  CHECK_THROWS(std::runtime_error, train(Quadratic(4, 100), theta, {.workers = 2, .epochs = 1000000}, rude),
               "rude observer");
  CHECK_EQUAL(rude.calls, 1);
  CHECK(!rude.failure.worker);
  CHECK(rude.updates > 0);
  CHECK(rude.failure.updates >= rude.updates);
}
