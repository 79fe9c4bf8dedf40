// What a child does that was forked from within a run, whose workers are its parent's: nothing more of that run.
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <string_view>
#include <vector>

#include "asap/train/trainer.h"
#include "check.h"
#include "quadratic.h"

namespace {

using namespace asap;

const std::vector<engine::Engine> kEngines{engine::Synchronous{}, engine::Locked{}, engine::Hogwild{},
                                           engine::Leashed{}, engine::Softsync{.n = 1}};

/// Where somebody else's code runs on the calling thread.
enum class Place { policy, epoch, tick, snapshot, checkpoint };

/// How a child may end; it should be refused.
enum Exit { kRefused, kWentOn, kReturned, kFailedOtherwise };

/// Forks once, at one place. From then on the child may hear of the failure, and of nothing else.
class Forking final : public Observer {
 public:
  explicit Forking(Place place) : place_(place) {}

  void on_epoch(const EpochRecord&, LiveRun& live) override { at(Place::epoch, &live); }
  void on_tick(LiveRun& live) override { at(Place::tick, &live); }
  void on_snapshot(std::span<const float>, const Moment&, LiveRun& live) override { at(Place::snapshot, &live); }
  void on_checkpoint(const Checkpoint&, LiveRun& live) override { at(Place::checkpoint, &live); }
  void on_failure(const Failure&) noexcept override { ++failures; }

  void at(Place place, LiveRun* live = nullptr) {
    if (is_child()) _exit(kWentOn);
    if (place == place_ && child < 0) {
      child = fork();
      if (is_child()) alarm(300);  // not to outlive a test that fails
    }
    if (live && child > 0) live->request_stop();
  }

  bool is_child() const { return child == 0; }

  pid_t child = -1;
  int failures = 0;

 private:
  const Place place_;
};

Policy forking_policy(Forking& forking) {
  const auto table = [&](const Distribution& distribution, const StepContext& context) {
    if (distribution.total() > 0) forking.at(Place::policy);
    return policy::constant().table(distribution, context);
  };
  return {"forking", table, OnlineSample{10, 100}};
}

/// The run that is forked. A child does not come back from here.
Report train_and_fork(const Quadratic& quadratic, std::span<float> theta, const TrainOptions& options,
                      Forking& forking) {
  try {
    const Report report = train(quadratic, theta, options, forking);
    if (forking.is_child()) _exit(kReturned);
    return report;
  } catch (const std::runtime_error& error) {
    if (!forking.is_child()) throw;
    const bool says_so = std::string_view(error.what()).starts_with("this process was forked while a run was going on");
    _exit(says_so && forking.failures == 1 ? kRefused : kFailedOtherwise);
  }
}

}  // namespace

TEST(a_fork_leaves_the_run_to_the_parent_and_the_child_hears_no_more_of_it) {
  for (const engine::Engine& engine : kEngines)
    for (const Place place : {Place::policy, Place::epoch, Place::tick, Place::snapshot, Place::checkpoint}) {
      const Quadratic quadratic(4, 100);
      Forking forking(place);
      TrainOptions options{.engine = engine, .workers = 3, .batch_size = 1, .policy = forking_policy(forking)};
      options.epochs = 1'000'000'000;
      options.snapshots = 1000;
      options.checkpoint = CheckpointInterval{};
      std::vector<float> theta(4, 1.0f);
      const Report report = train_and_fork(quadratic, theta, options, forking);
      CHECK(report.status == Status::stopped);
      CHECK_EQUAL(forking.failures, 0);
      int status = -1;
      CHECK_EQUAL(waitpid(forking.child, &status, 0), forking.child);
      CHECK(WIFEXITED(status));
      CHECK_EQUAL(WEXITSTATUS(status), kRefused);
    }
}
