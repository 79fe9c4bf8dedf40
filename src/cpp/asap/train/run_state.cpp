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

/// Batches that make `options.updates` published updates when none is dropped or rejected.
std::uint64_t batches_for_updates(const TrainOptions& options) {
  if (!options.updates) return BatchSource::kUnlimited;
  const bool rounds = std::holds_alternative<engine::Synchronous>(options.engine);
  return saturating_product(*options.updates, rounds ? options.workers : 1);
}

std::uint64_t batches_for_epochs(const Objective& objective, const TrainOptions& options) {
  if (!options.epochs) return BatchSource::kUnlimited;
  return saturating_product(*options.epochs, (objective.num_samples() - 1) / options.batch_size + 1);
}

SampleWindow window_of(const TrainOptions& options) {
  const auto& sample = options.policy.sample;
  if (!sample) return {};
  return {saturating_product(sample->first, options.workers), saturating_product(sample->last, options.workers)};
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
      batches(objective.num_samples(), options.batch_size, options.seed,
              std::min(batches_for_updates(options), batches_for_epochs(objective, options)),
              batches_for_epochs(objective, options)),
      tables(options.workers, scale_table(options, Distribution{}, {options.workers, options.rate(0), 0})),
      window(window_of(options)),
      workers(options.workers),
      placement(place(read_topology(), affinity_mask(), options.workers, options.affinity)),
      pin_errors(options.workers) {
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
  stop.store(true, std::memory_order_relaxed);
}

Counts RunState::totals() const {
  Counts counts;
  for (const WorkerState& worker : workers) counts += worker.counts();
  return counts;
}

}  // namespace asap
