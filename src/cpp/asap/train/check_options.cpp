#include "asap/train/check_options.h"

#include <algorithm>
#include <cmath>

#include "asap/core/error.h"
#include "asap/kernels/kernels.h"

namespace asap {

namespace {

/// What was read must still be there when the gradient is published.
void check_view(const TrainOptions& options) {
  if (std::holds_alternative<engine::Softsync>(options.engine) && correction::needs_view(options.correction))
    invalid_argument(
        "correction must be one that needs the gradient alone for the softsync engine, which does not keep the "
        "parameters that each of an update's gradients was computed on; got ",
        correction::name_of(options.correction));
  const auto* hogwild = std::get_if<engine::Hogwild>(&options.engine);
  if (hogwild && hogwild->read == engine::Read::in_place && correction::needs_view(options.correction))
    invalid_argument(
        "correction must be one that needs the gradient alone, or the Hogwild read by copying: in place it does not "
        "keep the parameters that a gradient was computed on; got ",
        correction::name_of(options.correction));
}

/// A fused Hogwild adds to the parameters what its backward pass computes, and never holds a gradient.
void check_fused(const TrainOptions& options) {
  if (!std::holds_alternative<engine::FusedHogwild>(options.engine)) return;
  if (!std::holds_alternative<correction::None>(options.correction))
    invalid_argument("correction must be none for a fused Hogwild, which never holds a gradient; got ",
                     correction::name_of(options.correction));
  if (options.momentum != 0.0)
    invalid_argument("momentum must be 0 for a fused Hogwild, which never holds a gradient; got ", options.momentum);
  if (options.on_nonfinite == OnNonfinite::skip)
    invalid_argument(
        "on_nonfinite must be stop for a fused Hogwild, which never holds a gradient that it could skip; got skip");
}

[[noreturn]] void refuse_nonfinite(std::span<const float> theta) {
  const auto found = std::find_if_not(theta.begin(), theta.end(), [](float value) { return std::isfinite(value); });
  invalid_argument("parameters must all be finite to start from; got ", *found, " at index ", found - theta.begin());
}

}  // namespace

void check(const TrainOptions& options, std::size_t max_workers) {
  const auto at_least_one = [](const char* name, std::uint64_t value) {
    if (value == 0) invalid_argument(name, " must be at least 1; got 0");
  };
  at_least_one("workers", options.workers);
  at_least_one("batch_size", options.batch_size);
  if (options.workers > max_workers)
    invalid_argument("workers must be at most ", max_workers, "; got ", options.workers);
  if (std::holds_alternative<engine::Sequential>(options.engine) && options.workers != 1)
    invalid_argument("the sequential engine has exactly 1 worker; got workers = ", options.workers);
  if (const auto* softsync = std::get_if<engine::Softsync>(&options.engine); softsync && softsync->n > options.workers)
    invalid_argument("the softsync engine's n must be between 1 and the number of workers, ", options.workers,
                     ": an update needs a gradient; got n = ", softsync->n);
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
  correction::check(options.correction);
  check_view(options);
  check_fused(options);
  if (options.checkpoint && !(options.checkpoint->every > 0 && std::isfinite(options.checkpoint->every)))
    invalid_argument("the interval of checkpoints must be a finite number above 0; got ", options.checkpoint->every);
}

void check_fusible(const Objective& objective, const engine::Engine& engine) {
  if (std::holds_alternative<engine::FusedHogwild>(engine) && !dynamic_cast<const FusibleObjective*>(&objective))
    invalid_argument("a fused Hogwild needs a FusibleObjective, which can add its gradient to the parameters");
}

void check(const Objective& objective, std::span<const float> theta) {
  if (objective.num_samples() == 0) invalid_argument("the objective has no samples");
  if (theta.size() != objective.num_parameters())
    invalid_argument("theta must have ", objective.num_parameters(), " parameters; got ", theta.size());
  if (!kernels::active().all_finite(theta.size(), theta.data())) refuse_nonfinite(theta);
}

void check_validation(const Objective& objective, const Objective& validation) {
  if (validation.num_samples() == 0) invalid_argument("the validation has no samples");
  if (validation.num_parameters() != objective.num_parameters())
    invalid_argument("the validation must have ", objective.num_parameters(), " parameters, as the objective; got ",
                     validation.num_parameters());
}

}  // namespace asap
