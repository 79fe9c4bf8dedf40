#include "asap/train/run_state.h"

#include <algorithm>
#include <limits>
#include <variant>

#include "asap/core/error.h"
#include "asap/platform/affinity.h"

namespace asap {
namespace {

/// a·b, or the largest number where that is more: limits far beyond reach are no limits, not small ones.
std::uint64_t saturating_product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max() : product;
}

std::uint64_t saturating_sum(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? std::numeric_limits<std::uint64_t>::max() : sum;
}

/// Batches that make `options.updates` published updates when none is dropped or rejected from here on.
std::uint64_t batches_for_updates(const TrainOptions& options, std::uint64_t first) {
  if (!options.updates) return BatchSource::kUnlimited;
  const bool rounds = std::holds_alternative<engine::Synchronous>(options.engine);
  const Version published = options.resume ? options.resume->version : 0;
  const std::uint64_t missing = *options.updates - std::min<Version>(published, *options.updates);
  return saturating_sum(first, saturating_product(missing, rounds ? options.workers : 1));
}

std::uint64_t batches_for_epochs(const Objective& objective, const TrainOptions& options) {
  if (!options.epochs) return BatchSource::kUnlimited;
  return saturating_product(*options.epochs, (objective.num_samples() - 1) / options.batch_size + 1);
}

/// Another number of workers is another execution, of which a policy takes a sample of its own.
bool is_same_team(const TrainOptions& options) {
  return !options.resume || options.resume->num_workers == options.workers;
}

Version sampling_begin(const TrainOptions& options) {
  if (!options.resume) return 0;
  return is_same_team(options) ? options.resume->sampling_from : options.resume->version;
}

SampleWindow window_of(const TrainOptions& options) {
  const auto& sample = options.policy.sample;
  if (!sample) return {};
  const auto at = [&](std::uint64_t updates) {
    return saturating_sum(sampling_begin(options), saturating_product(updates, options.workers));
  };
  return {at(sample->first), at(sample->last)};
}

ScaleTable first_table(const TrainOptions& options) {
  const Checkpoint* before = options.resume;
  if (before && is_same_team(options)) return ScaleTable(before->tables.back().entries);
  const Version now = before ? before->version : 0;
  return scale_table(options, Distribution{}, {options.workers, options.rate(now), now});
}

}  // namespace

ScaleTable scale_table(const TrainOptions& options, const Distribution& distribution, const StepContext& context) {
  ScaleTable table = options.policy.table(distribution, context);
  if (options.updates && table(0) == 0.0)
    invalid_argument("policy '", options.policy.name, "' rejects fresh gradients (C(0) = 0) from update ",
                     context.version, " on: the run would never reach updates = ", *options.updates,
                     "; give epochs or seconds instead");
  return table;
}

RunState::RunState(const Objective& the_objective, const TrainOptions& the_options)
    : objective(the_objective),
      options(the_options),
      same_team(is_same_team(options)),
      first(options.resume ? options.resume->gradients : 0),
      batches(objective.num_samples(), options.batch_size, options.seed,
              std::min(batches_for_updates(options, first), batches_for_epochs(objective, options)),
              batches_for_epochs(objective, options), first),
      tables(options.workers, first_table(options)),
      sampling_from(sampling_begin(options)),
      window(window_of(options)),
      clock(options.resume ? options.resume->seconds : 0.0),
      workers(std::max(options.workers, options.resume ? options.resume->workers.size() : 0)),
      placement(place(read_topology(), affinity_mask(), options.workers, options.affinity)),
      pin_errors(options.workers),
      signal(options.workers),
      gradients(first) {
  if (options.resume)
    for (std::size_t id = 0; id < options.resume->workers.size(); ++id)
      workers[id].resume(options.resume->workers[id], same_team);
  if (options.resume && options.seconds && options.resume->seconds >= *options.seconds) signal.stop();  // it is over
  if (options.trace)
    spiller.emplace(options.workers, *options.trace, [this] { fail(std::current_exception(), here()); });
}

void RunState::pin(std::size_t id) {
  if (!placement.cpus.empty()) pin_errors[id] = pin_this_thread(placement.cpus[id]);
}

void RunState::fail(std::exception_ptr another, Failure at) {
  const std::lock_guard lock(failure_mutex);
  if (!failure) {
    failure = std::move(another);
    failed_at = at;
  }
  signal.stop();
}

Counts RunState::totals() const {
  Counts counts;
  for (const WorkerState& worker : workers) counts += worker.counts();
  return counts;
}

}  // namespace asap
