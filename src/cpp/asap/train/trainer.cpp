#include "asap/train/trainer.h"

#include <cmath>

#include "asap/core/error.h"
#include "asap/platform/interleaved_memory.h"
#include "asap/train/coordinator.h"
#include "asap/train/make_store.h"
#include "asap/train/team.h"

namespace asap {
namespace {

constexpr std::size_t kMaxWorkers = 4096;

void check(const TrainOptions& options) {
  const auto at_least_one = [](const char* name, std::uint64_t value) {
    if (value == 0) invalid_argument(name, " must be at least 1; got 0");
  };
  at_least_one("workers", options.workers);
  at_least_one("batch_size", options.batch_size);
  if (options.workers > kMaxWorkers)
    invalid_argument("workers must be at most ", kMaxWorkers, "; got ", options.workers);
  if (std::holds_alternative<engine::Sequential>(options.engine) && options.workers != 1)
    invalid_argument("the sequential engine has exactly 1 worker; got workers = ", options.workers);
  if (!options.epochs && !options.updates && !options.seconds)
    invalid_argument("one of epochs, updates and seconds must be given: the run would never end");
  if (options.epochs) at_least_one("epochs", *options.epochs);
  if (options.updates) at_least_one("updates", *options.updates);
  if (options.seconds && !(*options.seconds > 0)) invalid_argument("seconds must be above 0; got ", *options.seconds);
  if (!(options.momentum >= 0.0 && options.momentum < 1.0))
    invalid_argument("momentum must be in [0, 1); got ", options.momentum);
  if (!(options.weight_decay >= 0.0 && std::isfinite(options.weight_decay)))
    invalid_argument("weight_decay must be a finite number of at least 0; got ", options.weight_decay);
  if (options.snapshots) at_least_one("snapshots", *options.snapshots);
  if (options.policy.sample) check(*options.policy.sample);
  if (options.checkpoint && !(options.checkpoint->every > 0 && std::isfinite(options.checkpoint->every)))
    invalid_argument("the interval of checkpoints must be a finite number above 0; got ", options.checkpoint->every);
}

void check_fused(const Objective& objective, const TrainOptions& options) {
  if (!std::holds_alternative<engine::FusedHogwild>(options.engine)) return;
  if (options.momentum != 0.0)
    invalid_argument("a fused Hogwild has no momentum, since it never holds a gradient; got momentum = ",
                     options.momentum);
  if (options.on_nonfinite == OnNonfinite::skip)
    invalid_argument(
        "a fused Hogwild cannot skip gradients that are not finite, since it never holds one; "
        "on_nonfinite must be stop");
  if (!dynamic_cast<const FusibleObjective*>(&objective))
    invalid_argument("a fused Hogwild needs a FusibleObjective, which can add its gradient to the parameters");
}

void check(const Objective& objective, std::span<const float> theta) {
  if (objective.num_samples() == 0) invalid_argument("the objective has no samples");
  if (theta.size() != objective.num_parameters())
    invalid_argument("theta must have ", objective.num_parameters(), " parameters; got ", theta.size());
  if (!kernels::active().all_finite(theta.size(), theta.data()))
    invalid_argument("the parameters to start from must all be finite");
}

void check_validation(const Objective& objective, const Objective& validation) {
  if (validation.num_samples() == 0) invalid_argument("the validation has no samples");
  if (validation.num_parameters() != objective.num_parameters())
    invalid_argument("the validation must have ", objective.num_parameters(), " parameters, as the objective; got ",
                     validation.num_parameters());
}

/// θ and, of a resumed run, the velocity, as the stores have them.
AlignedBuffer<float> first_state(const StateLayout& layout, std::span<const float> theta, const Checkpoint* resume) {
  AlignedBuffer<float> state(layout.size());
  std::copy(theta.begin(), theta.end(), state.data());
  if (resume) std::copy(resume->velocity.begin(), resume->velocity.end(), layout.velocity(state.data()));
  return state;
}

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
  check(options);
  if (options.resume) {
    check(*options.resume, theta.size(), options.momentum);
    std::copy(options.resume->theta.begin(), options.resume->theta.end(), theta.begin());
  }
  check(objective, theta);
  check_fused(objective, options);
  if (options.validation) check_validation(objective, *options.validation);
  const ProcessOwned<RunState> state(new RunState(objective, options));
  const ProcessOwned<InterleavedMemory> memory(new InterleavedMemory(state->placement.nodes));
  const StateLayout layout(objective.num_parameters(), static_cast<float>(options.momentum), memory.get());
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
