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
  Counts counts;
  std::size_t wrong = 0;

  Verdict verdict() const {
    return {wrong == 0, text(counts.published, " updates of ", counts.gradients, " gradients, mean tau ",
                             counts.mean_tau(), ", ", wrong, " components off")};
  }
};

TrainOptions options_of(const engine::Engine& engine, std::size_t workers, std::uint64_t gradients) {
  return {.engine = engine,
          .workers = workers,
          .batch_size = 1,
          .updates = gradients / gradients_per_update(engine, workers),
          .rate = Rate::constant(1.0),
          .policy = policy::fixed({2.0, 1.0, 0.0, 1.0})};  // a scale of 0 rejects
}

template <Store S>
void add(Sums& sums, S& store, TrainOptions options) {
  const Integers objective(kParameters, gradients_per_update(options.engine, options.workers));
  const Interruptions interruptions;
  TraceMemory trace;
  options.trace = &trace;
  const Finished finished = run(store, objective, options);
  sums.counts += finished.counts;
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
  for (const auto& [name, engine] : kConsistent)
    passed &= report(text("conservation, ", name), of_engine(engine, form.pick(500'000, 50'000)));
  passed &= report_planted("updates that are lost", of_twin<0>());
  passed &= report_planted("updates applied twice", of_twin<2>());
  return passed;
}

}  // namespace stress
