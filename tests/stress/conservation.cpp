// Conservation: the parameters at the end are the exact sum of what was published, for whole-numbered gradients and
// scales, while workers are interrupted anywhere.
#include "asap/step/policy.h"
#include "checks.h"
#include "objectives.h"
#include "runs.h"
#include "twins.h"

namespace stress {
namespace {

constexpr std::size_t kParameters = 500;
constexpr std::size_t kWorkers[] = {2, 8, 64};

std::vector<NamedEngine> consistent_engines() {
  std::vector<NamedEngine> engines{{"synchronous", engine::Synchronous{}}, {"locked", engine::Locked{}}};
  engines.insert(engines.end(), kLeashed.begin(), kLeashed.end());
  return engines;
}

/// How many components are not what the records add up to.
std::size_t num_wrong(const std::vector<TraceRecord>& records, const std::vector<float>& theta) {
  std::size_t wrong = 0;
  for (std::size_t j = 0; j < theta.size(); ++j) {
    std::int64_t sum = 0;
    for (const TraceRecord& record : records)
      if (record.changed_parameters()) sum += static_cast<int>(record.scale) * Integers::number(record.batch, j);
    wrong += static_cast<float>(-sum) != theta[j];
  }
  return wrong;
}

struct Sums {
  std::uint64_t gradients = 0, updates = 0, taus = 0;
  std::size_t wrong = 0;

  Verdict verdict() const {
    return {wrong == 0, text(updates, " updates of ", gradients, " gradients, mean tau ",
                             static_cast<double>(taus) / static_cast<double>(updates), ", ", wrong, " components off")};
  }
};

TrainOptions options_of(const engine::Engine& engine, std::size_t workers, std::uint64_t gradients) {
  const bool rounds = std::holds_alternative<engine::Synchronous>(engine);
  return {.engine = engine,
          .workers = workers,
          .batch_size = 1,
          .updates = rounds ? gradients / workers : gradients,
          .rate = Rate::constant(1.0),
          .policy = policy::fixed({2.0, 1.0, 0.0, 1.0})};  // a scale of 0 rejects
}

template <Store S>
void add(Sums& sums, S& store, TrainOptions options) {
  const bool rounds = std::holds_alternative<engine::Synchronous>(options.engine);
  const Integers objective(kParameters, rounds ? options.workers : 1);
  const Interruptions interruptions;
  TraceMemory trace;
  options.trace = &trace;
  const Finished finished = run(store, objective, options);
  sums.gradients += finished.counts.gradients;
  sums.updates += finished.counts.published;
  sums.taus += finished.counts.tau_sum;
  sums.wrong += num_wrong(trace.records, finished.theta);
}

Verdict of_engine(const engine::Engine& engine, std::uint64_t gradients) {
  Sums sums;
  for (const std::size_t workers : kWorkers) {
    const TrainOptions options = options_of(engine, workers, gradients);
    with_store(options, kParameters, [&](auto& store) { add(sums, store, options); });
  }
  return sums.verdict();
}

template <int Times>
Verdict of_twin() {
  Sums sums;
  Miscounts<LockedStore, Times> store(StateLayout(kParameters), 2, std::vector<float>(kParameters));
  add(sums, store, options_of(engine::Locked{}, 2, 10'000));
  return sums.verdict();
}

}  // namespace

bool check_conservation(const Form& form) {
  bool passed = true;
  for (const auto& [name, engine] : consistent_engines())
    passed &= report(text("conservation, ", name), of_engine(engine, form.pick(500'000, 50'000)));
  passed &= report_planted("updates that are lost", of_twin<0>());
  passed &= report_planted("updates applied twice", of_twin<2>());
  return passed;
}

}  // namespace stress
