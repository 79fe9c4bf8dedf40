// Simulated runs, for the tests of the simulator.
#pragma once

#include <utility>
#include <vector>

#include "asap/sim/simulator.h"
#include "check.h"
#include "quadratic.h"

namespace simulations {

using namespace asap;

/// A simulated run with its trace, and the parameters it ended with.
struct Simulated {
  std::vector<float> theta;
  std::vector<TraceRecord> records;
  SimulationReport report;
};

inline Simulated simulated(const Objective& objective, SimulationOptions options, float start = 1.0f) {
  TraceMemory memory;
  options.train.trace = &memory;
  Simulated run{std::vector<float>(objective.num_parameters(), start), {}, {}};
  run.report = simulate(objective, run.theta, options);
  run.records = std::move(memory.records);
  return run;
}

inline SimulationOptions options_of(const engine::Engine& engine, std::size_t workers, std::uint64_t updates) {
  SimulationOptions options;
  options.train.engine = engine;
  options.train.workers = workers;
  options.train.batch_size = 3;
  options.train.updates = updates;
  options.train.rate = Rate::constant(0.05);
  options.train.seed = 7;
  return options;
}

/// τ of the published updates in their order.
inline std::vector<Tau> taus(const Simulated& run) {
  std::vector<Tau> found;
  for (const TraceRecord& record : run.records)
    if (record.outcome == Outcome::published) found.push_back(record.tau());
  return found;
}

inline std::vector<Tau> taus_of_worker(const Simulated& run, std::size_t worker) {
  std::vector<Tau> found;
  for (const TraceRecord& record : run.records)
    if (record.worker == worker) found.push_back(record.tau());
  return found;
}

inline const std::vector<engine::Engine> kConsistent{engine::Synchronous{},
                                                     engine::Softsync{},
                                                     engine::Softsync{.n = 1},
                                                     engine::Locked{},
                                                     engine::Leashed{},
                                                     engine::Leashed{.persistence = 0},
                                                     engine::Leashed{.persistence = 2}};

}  // namespace simulations
