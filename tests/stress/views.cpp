// No torn read: views and snapshots carry checksums, which hold while workers are interrupted anywhere.
#include "checks.h"
#include "objectives.h"
#include "runs.h"
#include "twins.h"

namespace stress {
namespace {

constexpr std::size_t kLines = 100, kParameters = kLines * Checksummed::kLine;

struct Sums {
  std::uint64_t looks = 0, torn = 0, snapshots = 0;

  Verdict verdict() const {
    return {torn == 0, text(looks, " looks at views, ", snapshots, " snapshots, ", torn, " torn")};
  }
};

/// Looks at every view, and at snapshots that another thread takes all the time.
template <Store S>
void add(Sums& sums, S& store, const TrainOptions& options) {
  const Checksummed objective(kLines);
  const Interruptions interruptions;
  std::vector<float> snapshot(kParameters);
  run(store, objective, options, [&](RunState&) {
    const Version version = store.snapshot(snapshot);
    ++sums.snapshots;
    if (!objective.is_whole(snapshot.data()) || snapshot[0] != static_cast<float>(version)) ++sums.torn;
  });
  sums.looks += objective.looks();
  sums.torn += objective.torn();
}

TrainOptions options_of(const engine::Engine& engine, std::size_t workers, std::uint64_t updates) {
  return {.engine = engine, .workers = workers, .batch_size = 1, .updates = updates, .rate = Rate::constant(1.0)};
}

Verdict of_engine(const engine::Engine& engine, std::uint64_t updates) {
  Sums sums;
  for (const std::size_t workers : {2, 8, 64}) {
    const TrainOptions options = options_of(engine, workers, updates);
    with_store(options, kParameters, [&](auto& store) { add(sums, store, options); });
  }
  return sums.verdict();
}

Verdict of_twin() {
  Sums sums;
  Tears<LockedStore> store(StateLayout(kParameters), 2, std::vector<float>(kParameters));
  add(sums, store, options_of(engine::Locked{}, 2, 10'000));
  return sums.verdict();
}

}  // namespace

bool check_views(const Form& form) {
  const std::uint64_t updates = form.pick(1'000'000, 50'000);
  bool passed = report("views, locked", of_engine(engine::Locked{}, updates));
  for (const auto& [name, engine] : kLeashed) passed &= report(text("views, ", name), of_engine(engine, updates));
  passed &= report_planted("views that are torn", of_twin());
  return passed;
}

}  // namespace stress
