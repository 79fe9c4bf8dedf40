// Runs in which a worker is overtaken between its gradient and its update, however the threads are scheduled: what can
// be stale is, and a race that can be lost is lost.
#pragma once

#include <atomic>
#include <type_traits>
#include <utility>

#include "asap/train/make_store.h"
#include "asap/train/team.h"
#include "replay_plan.h"

namespace replay_test {

/// A worker that lets others pass, who begin when it is there and then wait until it is back, so that nobody passes it
/// twice.
class Overtaking {
 public:
  void let_pass(std::size_t others) {
    set(there_);
    for (std::size_t passed = passed_; passed < others; passed = passed_) passed_.wait(passed);
  }
  void end() { set(back_); }

  void begin_passing() const { there_.wait(false); }
  void end_passing() {
    ++passed_;
    passed_.notify_all();
    back_.wait(false);
  }

 private:
  static void set(std::atomic<bool>& flag) {
    flag = true;
    flag.notify_all();
  }

  std::atomic<bool> there_{false}, back_{false};
  std::atomic<std::size_t> passed_{0};
};

/// Worker 0 is overtaken twice: with its first gradient before the attempt to publish that, which is stale then, and
/// with its second one in the middle of the attempt, which fails where it can.
template <Store S>
class Overtaken {
 public:
  static constexpr std::size_t kEach = 5;  // gradients of each of the others, both times

  struct Handle : S::Handle {
    Handle(typename S::Handle handle, std::size_t id) : S::Handle(std::move(handle)), worker(id) {}
    std::size_t worker, made = 0;
  };

  template <class Engine>
  Overtaken(const Engine& engine, const StateLayout& layout, std::size_t workers, std::span<const float> start)
      : store_(make_store(engine, layout, workers, start)), others_(workers - 1) {}

  Handle handle(std::size_t worker) { return Handle(store_.handle(worker), worker); }
  View read(Handle& handle) { return store_.read(handle); }
  void leave(Handle& handle) { store_.leave(handle); }
  Version snapshot(std::span<float> out) { return store_.snapshot(out); }
  Vectors vectors() const { return store_.vectors(); }

  void prepare(Handle& handle, const StepRule& rule) {
    if (handle.worker == 0 && handle.made == 0) before_.let_pass(others_);
    store_.prepare(handle, rule);
  }

  Receipt commit(Handle& handle) {
    if (handle.worker != 0) pass(handle.made);
    if (handle.worker == 0 && handle.made == 1) amid_.let_pass(others_);
    const Receipt receipt = store_.commit(handle);
    if (receipt.outcome == Outcome::retry) return receipt;
    ++handle.made;
    if (handle.worker == 0 && handle.made == 1) before_.end();
    if (handle.worker == 0 && handle.made == 2) amid_.end();
    return receipt;
  }

 private:
  void pass(std::size_t made) {
    if (made == kEach) before_.end_passing();
    if (made == 2 * kEach) amid_.end_passing();
    if (made < 2 * kEach) (made < kEach ? before_ : amid_).begin_passing();
  }

  S store_;
  const std::size_t others_;
  Overtaking before_, amid_;
};

template <class Engine>
inline constexpr bool kGoesStale = std::is_same_v<Engine, engine::Locked> || std::is_same_v<Engine, engine::Leashed> ||
                                   std::is_same_v<Engine, engine::Softsync>;

/// Whether others may publish between a view and its update, consistently.
inline bool goes_stale(const engine::Engine& engine) {
  return std::visit([](const auto& plain) { return kGoesStale<std::decay_t<decltype(plain)>>; }, engine);
}

/// Trains on `store`, without a coordinator, into `run`.
template <Store S>
void train_on(S& store, RunState& state, TracedRun& run) {
  {
    Team<S> team(state, store);
    team.join();
  }
  state.spiller->finish();
  if (state.failure) std::rethrow_exception(state.failure);
  run.report.version = store.snapshot(run.theta);
  run.report.counts = state.totals();
  run.report.trace = {state.spiller->num_records(), state.spiller->stalls()};
  for (const WorkerState& worker : state.workers) run.report.staleness.push_back(worker.staleness().distribution());
}

/// As traced(), of an engine that goes stale and a run with a dozen gradients a worker, at least: Στ > 0, and in
/// Leashed-SGD some attempt fails.
inline TracedRun traced_overtaken(const Objective& objective, std::vector<float> start, TrainOptions options) {
  TraceMemory memory;
  options.trace = &memory;
  TracedRun run{.options = options, .start = start, .theta = std::move(start), .records = {}, .report = {}};
  const StateLayout layout(objective.num_parameters(), static_cast<float>(options.momentum),
                           std::pmr::new_delete_resource(), options.correction);
  RunState state(objective, options);
  std::visit(
      [&](const auto& plain) {
        using Engine = std::decay_t<decltype(plain)>;
        if constexpr (kGoesStale<Engine>) {
          using S = decltype(make_store(plain, StateLayout(1), 1, std::vector<float>()));
          Overtaken<S> store(plain, layout, options.workers, run.start);
          train_on(store, state, run);
        }
      },
      options.engine);
  run.options.trace = nullptr;
  run.records = std::move(memory.records);
  return run;
}

}  // namespace replay_test
