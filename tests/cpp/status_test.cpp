// What the status of a run says when several things end it, and that an interruption is not waited for.
#include <atomic>
#include <limits>
#include <stdexcept>
#include <vector>

#include "asap/kernels/kernels.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "engines.h"
#include "quadratic.h"

namespace {

using namespace asap;

/// A validation that nobody has the time for.
struct Endless : Quadratic {
  Endless() : Quadratic(4, std::size_t{1} << 50) {}
  Metrics evaluate(const float* theta, const Batch& batch, Workspace* workspace) const override {
    if (interrupted) throw std::runtime_error("validated after the interruption");
    begun = true;
    return Quadratic::evaluate(theta, batch, workspace);
  }
  mutable std::atomic<bool> begun{false}, next_epoch{false}, interrupted{false};
};

}  // namespace

TEST(an_interruption_cuts_a_validation_short_and_leaves_the_others_out) {
  struct WithinTheSecondEpoch : Quadratic {
    explicit WithinTheSecondEpoch(const Endless& the_validation) : Quadratic(4, 100), validation(the_validation) {}
    double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
      if (batch.id == 150) {
        validation.next_epoch = true;
        validation.interrupted.wait(false);
      }
      return Quadratic::gradient(theta, batch, workspace, gradient);
    }
    const Endless& validation;
  };
  struct Interrupting : Observer {
    explicit Interrupting(const Endless& the_validation) : validation(the_validation) {}
    void on_tick(LiveRun& live) override {
      if (!validation.begun || !validation.next_epoch || validation.interrupted) return;
      live.request_stop(Status::interrupted);
      validation.interrupted = true;
      validation.interrupted.notify_all();
    }
    const Endless& validation;
  };
  for (const engine::Engine& engine : engines::kOfEachKind) {
    const Endless validation;
    Interrupting observer(validation);
    std::vector<float> theta(4, 1.0f);
    TrainOptions options{.engine = engine, .batch_size = 1, .epochs = 10};
    options.validation = &validation;
    const Report report = train(WithinTheSecondEpoch(validation), theta, options, observer);
    CHECK(report.status == Status::interrupted);
    CHECK_EQUAL(report.counts.gradients, 151u);
    CHECK_EQUAL(report.history.size(), 2u);
    for (const EpochRecord& row : report.history) CHECK(!row.validation);
  }
}

TEST(whoever_asks_again_masks_neither_an_interruption_nor_a_divergence) {
  struct AskingTwice : Observer {
    AskingTwice(Status the_first, Status the_second) : first(the_first), second(the_second) {}
    void on_epoch(const EpochRecord&, LiveRun& live) override {
      live.request_stop(first);
      live.request_stop(second);
    }
    const Status first, second;
  };
  for (const auto& [first, second] :
       {std::pair(Status::interrupted, Status::stopped), std::pair(Status::stopped, Status::interrupted)}) {
    AskingTwice observer(first, second);
    std::vector<float> theta(4, 1.0f);
    CHECK(train(Quadratic(4, 100), theta, {.workers = 2, .epochs = 1'000'000}, observer).status == Status::interrupted);
  }
  for (const Status asked : {Status::stopped, Status::interrupted}) {
    AskingTwice observer(asked, asked);
    std::vector<float> theta(4, std::numeric_limits<float>::max());  // whose loss is not finite
    CHECK(train(Quadratic(4, 100), theta, {.workers = 2, .epochs = 1'000'000, .rate = Rate::constant(1e6)}, observer)
              .status == Status::diverged);
  }
}

TEST(the_last_update_of_a_run_that_ends_within_an_epoch_is_looked_at) {
  struct SpoiltAtTheEnd : Quadratic {  // the loss hides it
    SpoiltAtTheEnd() : Quadratic(4, 100) {}
    double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
      const double loss = Quadratic::gradient(theta, batch, workspace, gradient);
      if (batch.id == 149) gradient[2] = std::numeric_limits<float>::infinity();
      return loss;
    }
  };
  for (const engine::Engine& engine : engines::kOfEachKind) {
    std::vector<float> theta(4, 1.0f);
    const Report report = train(SpoiltAtTheEnd(), theta, {.engine = engine, .batch_size = 1, .updates = 150});
    CHECK(report.status == Status::diverged);
    CHECK(kernels::active().all_finite(4, theta.data()));
  }
}
