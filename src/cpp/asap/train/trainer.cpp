#include "asap/train/trainer.h"

#include "asap/core/error.h"
#include "asap/platform/interleaved_memory.h"
#include "asap/train/check_options.h"
#include "asap/train/coordinator.h"
#include "asap/train/make_store.h"
#include "asap/train/resumption.h"
#include "asap/train/team.h"

namespace asap {
namespace {

constexpr std::size_t kMaxWorkers = 4096;

PlacementReport placement_report(const RunState& state, const InterleavedMemory& memory) {
  PlacementReport report{.cpus = state.placement.cpus, .nodes = memory.nodes(), .interleave_error = memory.error()};
  for (const std::error_code& error : state.pin_errors) {
    if (!error) continue;
    ++report.unpinned;
    report.pin_error = error;
  }
  return report;
}

/// The run in one engine: workers on their threads, the coordinator on this one.
template <Store S>
Report run_on(S& store, RunState& state, const StateLayout& layout, std::span<float> theta, Observer& observer) {
  Coordinator coordinator(state, [&](std::span<float> out) { return store.snapshot(out); }, layout, theta, observer);
  std::optional<Failure> of_worker;
  try {
    const ProcessOwned<Team<S>> team(new Team<S>(state, store));
    coordinator.serve();
    team->join();
    if (state.spiller) state.spiller->finish();
    if (state.failure) {
      of_worker = state.failed_at;
      std::rethrow_exception(state.failure);
    }
    Report report = coordinator.finish(theta);
    if (state.spiller) report.trace = {state.spiller->num_records(), state.spiller->stalls()};
    const Vectors vectors = store.vectors();
    report.vectors_high_water = vectors.high_water;
    report.pool_rescans = vectors.rescans;
    return report;
  } catch (...) {  // the team has ended here: its destructor ran
    if (state.process.is_own()) coordinator.keep_finite(theta);
    observer.on_failure(of_worker.value_or(state.here()));
    throw;
  }
}

}  // namespace

Report train(const Objective& objective, std::span<float> theta, const TrainOptions& options, Observer& observer) {
  check(options, kMaxWorkers);
  if (options.resume) {
    check(*options.resume, layout_of(options, objective.num_parameters()));
    if (!options.resume->open.empty())
      invalid_argument("a checkpoint of a parameter server must be resumed by one: ", options.resume->open.size(),
                       " batches were with learners");
    std::copy(options.resume->theta.begin(), options.resume->theta.end(), theta.begin());
  }
  check(objective, theta);
  check_fusible(objective, options.engine);
  if (options.validation) check_validation(objective, *options.validation);
  const ProcessOwned<RunState> state(new RunState(objective, options));
  const ProcessOwned<InterleavedMemory> memory(new InterleavedMemory(state->placement.nodes));
  const StateLayout layout = layout_of(options, objective.num_parameters(), memory.get());
  Report report = std::visit(
      [&](const auto& engine) {
        using S = decltype(make_store(engine, layout, options.workers, theta));
        const Version version = options.resume ? options.resume->version : 0;
        const ProcessOwned<S> store(new S(make_store(
            engine, layout, options.workers, Start(first_state(layout, theta, options.resume).span(), version))));
        return run_on(*store, *state, layout, theta, observer);
      },
      options.engine);
  report.placement = placement_report(*state, *memory);
  return report;
}

Report train(const Objective& objective, std::span<float> theta, const TrainOptions& options) {
  Observer silent;
  return train(objective, theta, options, silent);
}

}  // namespace asap
