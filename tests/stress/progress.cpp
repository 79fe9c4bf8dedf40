// Progress: of 64 workers on however few processors, each brings gradient after gradient into the parameters. In
// rounds nobody can be ahead of the others: there it shows that no round waits for ever.
#include <algorithm>

#include "checks.h"
#include "objectives.h"
#include "runs.h"
#include "twins.h"

namespace stress {
namespace {

constexpr std::size_t kWorkers = 64, kParameters = 1000;
constexpr std::chrono::milliseconds kTick{20};

/// Lets a run go on until `wanted` gradients of each worker have gone into updates, or of the one with the fewest no
/// more for so many ticks. Ticks, not seconds: the whole process may stand still meanwhile.
class Watch {
 public:
  Watch(std::uint64_t wanted, int patience) : wanted_(wanted), patience_(patience) {}

  void operator()(RunState& state) {
    std::this_thread::sleep_for(kTick);
    const std::uint64_t before = least_;
    count(state);
    idle_ticks_ = least_ > before ? 0 : idle_ticks_ + 1;
    if (least_ >= wanted_ || idle_ticks_ == patience_) state.signal.stop();
  }

  Verdict verdict() const {
    return {least_ >= wanted_, text(least_, " to ", most_, " gradients of each of ", kWorkers, " workers")};
  }

 private:
  void count(const RunState& state) {
    least_ = most_ = brought(state.workers.front());
    for (const WorkerState& worker : state.workers) {
      least_ = std::min(least_, brought(worker));
      most_ = std::max(most_, brought(worker));
    }
  }

  /// Whoever published them.
  static std::uint64_t brought(const WorkerState& worker) {
    const Counts counts = worker.counts();
    return counts.published + counts.merged + counts.gathered;
  }

  const std::uint64_t wanted_;
  const int patience_;
  std::uint64_t least_ = 0, most_ = 0;
  int idle_ticks_ = 0;
};

template <Store S>
Verdict progress(S& store, const engine::Engine& engine, Watch watch) {
  const Ones objective(kParameters);
  const TrainOptions options{.engine = engine, .workers = kWorkers, .batch_size = 1, .rate = Rate::constant(1.0)};
  run(store, objective, options, [&](RunState& state) { watch(state); });
  return watch.verdict();
}

Verdict of_engine(const engine::Engine& engine, std::uint64_t wanted) {
  constexpr int kPatience = 1500;  // half a minute
  return with_store({.engine = engine, .workers = kWorkers}, kParameters,
                    [&](auto& store) { return progress(store, engine, Watch(wanted, kPatience)); });
}

Verdict of_twin(std::size_t starving) {
  constexpr int kPatience = 50;
  Starves<LockedStore> store(StateLayout(kParameters), kWorkers, std::vector<float>(kParameters));
  store.starving = starving;
  return progress(store, engine::Locked{}, Watch(1000, kPatience));
}

}  // namespace

bool check_progress(const Form& form) {
  bool passed = true;
  for (const auto& [name, engine] : every_engine())
    passed &= report(text("progress, ", name), of_engine(engine, form.pick(5'000, 500)));
  passed &= report_planted("one worker that starves", of_twin(1));
  passed &= report_planted("workers that all stand still", of_twin(kWorkers));
  return passed;
}

}  // namespace stress
