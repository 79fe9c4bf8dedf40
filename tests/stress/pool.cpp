// Leashed-SGD's pool: m workers and one snapshot at a time never have more than 2m + 1 vectors in use. To see that, the
// pool gets more than it needs. With exactly as many, searches for a free one that had to start over are counted: a
// searcher that is overtaken often enough may miss the free one.
#include "checks.h"
#include "objectives.h"
#include "runs.h"
#include "twins.h"

namespace stress {
namespace {

constexpr std::size_t kLines = 20, kParameters = kLines * Checksummed::kLine;
constexpr std::size_t kReaders = 1;  // c

/// The vectors used by the workers and a thread that takes snapshots all the time.
template <Store S>
Vectors used(S& store, std::size_t workers, std::uint64_t updates) {
  const Checksummed objective(kLines);
  const Interruptions interruptions;
  const TrainOptions options{.workers = workers, .batch_size = 1, .updates = updates, .rate = Rate::constant(1.0)};
  std::vector<float> snapshot(kParameters);
  return run(store, objective, options, [&](RunState&) { store.snapshot(snapshot); }).vectors;
}

template <class S>
Vectors used_by(const engine::Leashed& leashed, std::size_t workers, std::uint64_t updates, std::size_t spare) {
  const bool copy = leashed.read != engine::Read::in_place;
  S store(StateLayout(kParameters), workers, std::vector<float>(kParameters), leashed.persistence, copy,
          kReaders + spare);
  Vectors vectors = used(store, workers, updates);
  if (copy) vectors.high_water -= workers;  // which are not the pool's
  return vectors;
}

/// The high-water mark with vectors to spare, and the rescans without.
template <class S>
Verdict of_workers(const engine::Leashed& leashed, std::size_t workers, std::uint64_t updates) {
  const std::size_t bound = 2 * workers + kReaders, spare = bound + ForgetsPins::kForgotten;
  const std::size_t high_water = used_by<S>(leashed, workers, updates, spare).high_water;
  const std::uint64_t rescans = used_by<LeashedStore>(leashed, workers, updates, 0).rescans;
  return {high_water <= bound,
          text(high_water, " vectors of ", bound, ", ", rescans, " rescans in ", updates, " updates")};
}

}  // namespace

bool check_pool(const Form& form) {
  const std::uint64_t updates = form.pick(1'000'000, 50'000);
  bool passed = true;
  for (const auto& [name, engine] : kLeashed)
    for (const std::size_t workers : {2, 8, 64})
      passed &= report(text("pool, ", name, ", m = ", workers),
                       of_workers<LeashedStore>(std::get<engine::Leashed>(engine), workers, updates));
  passed &=
      report_planted("pins that are forgotten", of_workers<ForgetsPins>({.read = engine::Read::in_place}, 2, 100'000));
  return passed;
}

}  // namespace stress
