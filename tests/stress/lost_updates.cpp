// The share of component updates that Hogwild! loses when gradients cost no more than their publication, the most that
// workers can get in each other's way. How many are lost is up to the machine; none is with one worker.
#include <algorithm>

#include "checks.h"
#include "objectives.h"
#include "runs.h"
#include "twins.h"

namespace stress {
namespace {

constexpr std::size_t kRuns = 31;

const std::vector<NamedEngine> kHogwild{
    {"in place", engine::Hogwild{.read = engine::Read::in_place}},
    {"copying", engine::Hogwild{.read = engine::Read::copy}},
    {"fused", engine::FusedHogwild{.read = engine::Read::in_place}},
};

/// The share of updates missing from the components.
struct Lost {
  double mean = 0, least = 1, most = 0;

  void add(double share, std::size_t parameters) {
    mean += share / static_cast<double>(parameters);
    least = std::min(least, share);
    most = std::max(most, share);
  }
  bool possible() const { return least >= 0.0 && most <= 1.0; }
  bool none() const { return least == 0.0 && most == 0.0; }
};

template <Store S>
Lost lost_in(S& store, std::size_t parameters, const TrainOptions& options) {
  const Ones objective(parameters);
  const Finished finished = run(store, objective, options);
  Lost lost;
  for (const float theta : finished.theta)
    lost.add(1.0 + static_cast<double>(theta) / static_cast<double>(finished.counts.published), parameters);
  return lost;
}

TrainOptions options_of(const engine::Engine& engine, std::size_t workers, std::uint64_t updates) {
  return {.engine = engine, .workers = workers, .batch_size = 1, .updates = updates, .rate = Rate::constant(1.0)};
}

Lost lost_by(const engine::Engine& engine, std::size_t workers, std::size_t parameters, std::uint64_t updates) {
  const TrainOptions options = options_of(engine, workers, updates);
  return with_store(options, parameters, [&](auto& store) { return lost_in(store, parameters, options); });
}

/// Median and quartiles of the runs.
Verdict of_runs(const engine::Engine& engine, std::size_t workers, std::size_t parameters, std::uint64_t updates) {
  bool possible = true;
  std::vector<double> percent;
  for (std::size_t run = 0; run < kRuns; ++run) {
    const Lost lost = lost_by(engine, workers, parameters, updates);
    possible &= lost.possible();
    percent.push_back(100 * lost.mean);
  }
  std::sort(percent.begin(), percent.end());
  return {possible, text("median ", percent[kRuns / 2], " %, quartiles ", percent[kRuns / 4], " and ",
                         percent[kRuns - 1 - kRuns / 4], " % of ", updates, " updates in ", kRuns, " runs")};
}

Verdict none(const Lost& lost) { return {lost.none(), text(100 * lost.mean, " %")}; }

Verdict of_twin() {
  constexpr std::size_t kParameters = 1000;
  Miscounts<HogwildStore, 0> store(StateLayout(kParameters), 1, std::vector<float>(kParameters), false);
  return none(lost_in(store, kParameters, options_of(engine::Hogwild{}, 1, 10'000)));
}

}  // namespace

bool check_lost_updates(const Form& form) {
  bool passed = true;
  for (const auto& [name, engine] : kHogwild) {
    for (const std::size_t parameters : {1'000, 134'794})
      for (const std::size_t workers : {2, 8}) {
        const std::uint64_t updates = form.pick(100'000'000, 10'000'000) / parameters;
        passed &= report(text("lost, hogwild ", name, ", m = ", workers, ", d = ", parameters),
                         of_runs(engine, workers, parameters, updates));
      }
    passed &= report(text("lost, hogwild ", name, ", m = 1"), none(lost_by(engine, 1, 1000, 10'000)));
  }
  passed &= report_planted("one lost in a thousand", of_twin());
  return passed;
}

}  // namespace stress
