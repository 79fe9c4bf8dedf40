// Gradients that are not finite: they stop a run, or are skipped and counted.
#include <cstdint>
#include <limits>
#include <vector>

#include "asap/kernels/kernels.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "engines.h"
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

/// Not finite in one batch.
struct Spoilt : Quadratic {
  enum class How { loss, gradient };
  Spoilt(std::uint64_t the_batch, How the_way) : Quadratic(4, 100), batch(the_batch), how(the_way) {}

  double gradient(const float* theta, const Batch& of, Workspace* workspace, float* gradient) const override {
    const double loss = Quadratic::gradient(theta, of, workspace, gradient);
    if (of.id != batch) return loss;
    if (how == How::loss) return std::numeric_limits<double>::quiet_NaN();
    gradient[3] = std::numeric_limits<float>::infinity();
    return loss;
  }

  const std::uint64_t batch;
  const How how;
};

/// Not finite wherever a batch is to be skipped.
template <class Skip>
struct SpoiltWhere : Quadratic {
  explicit SpoiltWhere(Skip the_skip) : Quadratic(4, 100), skip(the_skip) {}

  double gradient(const float* theta, const Batch& of, Workspace* workspace, float* gradient) const override {
    const double loss = Quadratic::gradient(theta, of, workspace, gradient);
    return skip(of.id) ? std::numeric_limits<double>::infinity() : loss;
  }

  const Skip skip;
};

}  // namespace

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
  const SpoiltWhere spoilt([](std::uint64_t batch) { return batch / 3 == 2; });  // 6, 7 and 8
  std::vector<float> theta(4, 1.0f);
  const Report report = train(spoilt, theta,
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

TEST(a_worker_gives_up_after_an_epoch_of_skips_in_a_row_and_no_sooner) {
  constexpr std::uint64_t kBatches = 10, kFirst = 25;
  const SpoiltWhere every_second([](std::uint64_t batch) { return batch % 2 == 1; });
  const SpoiltWhere an_epoch([](std::uint64_t batch) { return batch >= kFirst && batch < kFirst + kBatches; });
  const SpoiltWhere for_ever([](std::uint64_t batch) { return batch >= kFirst; });
  for (const engine::Engine& engine : engines::kOfEachKind) {
    const auto run = [&](const Objective& objective) {
      std::vector<float> theta(4, 1.0f);
      TrainOptions options{.engine = engine, .batch_size = 10, .epochs = 10, .on_nonfinite = OnNonfinite::skip};
      const Report report = train(objective, theta, options);
      CHECK(kernels::active().all_finite(4, theta.data()));
      return std::pair(report.status, report.counts.skipped);
    };
    CHECK(run(every_second) == std::pair(Status::completed, 10 * kBatches / 2));
    CHECK(run(an_epoch) == std::pair(Status::completed, kBatches));
    CHECK(run(for_ever) == std::pair(Status::diverged, kBatches));
  }
}
