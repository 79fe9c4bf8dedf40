// Runs of the library's worker loop on a store of the caller's: an engine's own, or a broken twin of it.
#pragma once

#include <chrono>
#include <thread>
#include <vector>

#include "asap/train/make_store.h"
#include "asap/train/team.h"

namespace stress {

using namespace asap;

struct NamedEngine {
  const char* name;
  engine::Engine engine;
};

inline const std::vector<NamedEngine> kLeashed{
    {"leashed in place", engine::Leashed{.read = engine::Read::in_place}},
    {"leashed copying", engine::Leashed{.read = engine::Read::copy}},
    {"leashed without retries", engine::Leashed{.persistence = 0}},
};

/// Those whose updates are all there in the end.
inline const std::vector<NamedEngine> kConsistent{
    {"synchronous", engine::Synchronous{}},
    {"locked", engine::Locked{}},
    kLeashed[0],
    kLeashed[1],
    kLeashed[2],
    {"softsync", engine::Softsync{}},
    {"softsync n = 1", engine::Softsync{.n = 1}},
};

inline std::vector<NamedEngine> every_engine() {
  std::vector<NamedEngine> engines = kConsistent;
  engines.insert(engines.end(), {{"hogwild", engine::Hogwild{}}, {"hogwild fused", engine::FusedHogwild{}}});
  return engines;
}

/// How many gradients make one update.
inline std::size_t gradients_per_update(const engine::Engine& engine, std::size_t workers) {
  if (std::holds_alternative<engine::Synchronous>(engine)) return workers;
  const auto* softsync = std::get_if<engine::Softsync>(&engine);
  return softsync ? softsync->gradients(workers) : 1;
}

/// What there is to say of a run when its workers have ended.
struct Finished {
  std::vector<float> theta;
  Counts counts;
  std::vector<Distribution> staleness, rejections;  // per worker
  Vectors vectors;
};

/// Trains on `store`, without a coordinator. `watch(state)` is called again and again while the workers run.
template <Store S, class Watch>
Finished run(S& store, const Objective& objective, const TrainOptions& options, Watch watch) {
  RunState state(objective, options);
  {
    Team<S> team(state, store);
    while (!team.ended()) {
      watch(state);
      std::this_thread::yield();
    }
    team.join();
  }
  if (state.spiller) state.spiller->finish();
  if (state.failure) std::rethrow_exception(state.failure);
  Finished finished;
  finished.theta.resize(objective.num_parameters());
  store.snapshot(finished.theta);
  finished.counts = state.totals();
  finished.vectors = store.vectors();
  for (const WorkerState& worker : state.workers) {
    finished.staleness.push_back(worker.staleness().distribution());
    finished.rejections.push_back(worker.rejections().distribution());
  }
  return finished;
}

inline void sleep_briefly() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

template <Store S>
Finished run(S& store, const Objective& objective, const TrainOptions& options) {
  return run(store, objective, options, [](RunState&) { sleep_briefly(); });
}

/// Calls use(store) with the store of the options' engine, from zeros on.
template <class Use>
auto with_store(const TrainOptions& options, std::size_t parameters, Use use) {
  const std::vector<float> zeros(parameters);
  return std::visit(
      [&](const auto& kind) {
        auto store = make_store(kind, StateLayout(parameters), options.workers, zeros);
        return use(store);
      },
      options.engine);
}

}  // namespace stress
