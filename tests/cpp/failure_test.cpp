// What a run does when something fails: where it says it was, and gradients that are not finite.
#include <atomic>
#include <latch>
#include <limits>
#include <string>
#include <vector>

#include "asap/kernels/kernels.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "engines.h"
#include "farewell.h"
#include "quadratic.h"

namespace {

using namespace asap;

constexpr std::size_t kWorkers = 3;  // at most

/// How many gradients are in the histograms of τ.
std::uint64_t num_taus(const Report& report) {
  std::uint64_t sum = 0;
  for (const auto& histograms : {report.staleness, report.rejections})
    for (const Distribution& of_worker : histograms) sum += of_worker.total();
  return sum;
}

struct Witness : Observer {
  int calls = 0;
  Failure failure;
  void on_failure(const Failure& at) noexcept override {
    ++calls;
    failure = at;
  }
};

/// Fails in one batch, by an exception or by values that are not finite.
struct Spoilt : Quadratic {
  enum class How { exception, loss, gradient };
  Spoilt(std::uint64_t the_batch, How the_way) : Quadratic(4, 100), batch(the_batch), how(the_way) {}

  double gradient(const float* theta, const Batch& of, Workspace* workspace, float* gradient) const override {
    const double loss = Quadratic::gradient(theta, of, workspace, gradient);
    if (of.id != batch) return loss;
    if (how == How::exception) throw std::runtime_error("spoilt");
    if (how == How::loss) return std::numeric_limits<double>::quiet_NaN();
    gradient[3] = std::numeric_limits<float>::infinity();
    return loss;
  }

  const std::uint64_t batch;
  const How how;
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
        train(Spoilt(50, Spoilt::How::exception), theta,
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

TEST(a_run_that_skips_gives_up_and_counts_what_is_not_finite) {
  for (const engine::Engine& engine : engines::kOfEachKind)
    for (const auto how : {Spoilt::How::loss, Spoilt::How::gradient}) {
      const Spoilt spoilt(7, how);
      TrainOptions options{.engine = engine,
                           .workers = engines::workers_of(engine, kWorkers),
                           .batch_size = 10,
                           .on_nonfinite = OnNonfinite::skip};
      options.epochs = 3;
      std::vector<float> theta(4, 1.0f);
      Report report = train(spoilt, theta, options);
      CHECK(report.status == Status::completed);
      CHECK_EQUAL(report.counts.skipped, 1u);
      CHECK_EQUAL(report.counts.gradients, 30u);
      CHECK_EQUAL(report.counts.samples, 290u);
      CHECK_EQUAL(report.counts.scaled() + report.counts.merged, 29u);
      CHECK_EQUAL(num_taus(report), report.counts.scaled());
      CHECK(kernels::active().all_finite(4, theta.data()));

      options.epochs.reset();
      options.updates = 25;
      report = train(spoilt, theta, options);
      CHECK_EQUAL(report.counts.published, 25u);
      CHECK_EQUAL(report.counts.skipped, 1u);
    }
}

TEST(what_is_skipped_is_no_part_of_the_sample_of_a_policy) {
  struct UntilSampled : Observer {
    void on_tick(LiveRun& live) override {
      if (totals.size() == 2) live.request_stop();
    }
    std::vector<std::uint64_t> totals;
  };
  for (const engine::Engine& engine : engines::kOfEachKind) {
    UntilSampled observer;
    const auto table = [&](const Distribution& distribution, const StepContext& context) {
      observer.totals.push_back(distribution.total());
      return policy::constant().table(distribution, context);
    };
    TrainOptions options{.engine = engine, .batch_size = 10, .policy = {"probe", table, SampleWindow{0, 20}}};
    options.epochs = 1'000'000'000;
    options.on_nonfinite = OnNonfinite::skip;
    std::vector<float> theta(4, 1.0f);
    train(Spoilt(7, Spoilt::How::loss), theta, options, observer);
    CHECK(observer.totals == (std::vector<std::uint64_t>{0, 20}));
  }
}

TEST(a_round_that_all_workers_skip_is_made_up_for) {
  struct SpoiltRound : Quadratic {
    SpoiltRound() : Quadratic(4, 100) {}
    double gradient(const float* theta, const Batch& of, Workspace* workspace, float* gradient) const override {
      const double loss = Quadratic::gradient(theta, of, workspace, gradient);
      return of.id / 3 == 2 ? std::numeric_limits<double>::infinity() : loss;  // batches 6, 7 and 8
    }
  };
  std::vector<float> theta(4, 1.0f);
  const Report report = train(SpoiltRound(), theta,
                              {.engine = engine::Synchronous{},
                               .workers = 3,
                               .batch_size = 10,
                               .updates = 8,
                               .on_nonfinite = OnNonfinite::skip});
  CHECK_EQUAL(report.counts.published, 8u);
  CHECK_EQUAL(report.counts.merged, 16u);
  CHECK_EQUAL(report.counts.skipped, 3u);
}

TEST(without_anything_to_skip_a_run_that_would_has_the_same_bits) {
  for (const engine::Engine& engine : engines::kOfEachKind) {
    std::vector<float> stops(4, 1.0f), skips(4, 1.0f);
    TrainOptions options{.engine = engine, .batch_size = 7, .epochs = 5};
    train(Quadratic(4, 100), stops, options);
    options.on_nonfinite = OnNonfinite::skip;
    train(Quadratic(4, 100), skips, options);
    CHECK(stops == skips);
  }
}
