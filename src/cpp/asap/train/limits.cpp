#include "asap/train/limits.h"

#include <algorithm>
#include <variant>

#include "asap/core/saturating.h"

namespace asap {
namespace {

std::size_t gradients_of_update(const TrainOptions& options) {
  if (std::holds_alternative<engine::Synchronous>(options.engine)) return options.workers;
  const auto* softsync = std::get_if<engine::Softsync>(&options.engine);
  return softsync ? softsync->gradients(options.workers) : 1;
}

/// Batches that make `options.updates` published updates when none is dropped or rejected from here on.
std::uint64_t batches_for_updates(const TrainOptions& options, std::uint64_t first) {
  if (!options.updates) return BatchSource::kUnlimited;
  const Version published = options.resume ? options.resume->version : 0;
  const std::uint64_t missing = *options.updates - std::min<Version>(published, *options.updates);
  return saturating_sum(first, saturating_product(missing, gradients_of_update(options)));
}

std::uint64_t batches_for_epochs(const Objective& objective, const TrainOptions& options) {
  if (!options.epochs) return BatchSource::kUnlimited;
  return saturating_product(*options.epochs, (objective.num_samples() - 1) / options.batch_size + 1);
}

}  // namespace

BatchSource make_batches(const Objective& objective, const TrainOptions& options) {
  const std::uint64_t first = options.resume ? options.resume->gradients : 0,
                      most = batches_for_epochs(objective, options);
  return BatchSource(objective.num_samples(), options.batch_size, options.seed,
                     std::min(batches_for_updates(options, first), most), most, first);
}

}  // namespace asap
