#include "asap/server/parameter_server.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "asap/core/error.h"
#include "asap/core/saturating.h"
#include "asap/train/check_options.h"
#include "asap/train/resumption.h"

namespace asap::server {
namespace {

constexpr std::size_t kMaxWorkers = 4096;

void check(const TrainOptions& options, std::size_t most_workers, std::uint64_t num_samples) {
  asap::check(options, kMaxWorkers);
  if (!std::holds_alternative<engine::Softsync>(options.engine) &&
      !std::holds_alternative<engine::Synchronous>(options.engine))
    invalid_argument("the engine of a parameter server must be softsync or synchronous");
  if (most_workers < options.workers || most_workers > kMaxWorkers)
    invalid_argument("most_workers must be between workers, ", options.workers, ", and ", kMaxWorkers, "; got ",
                     most_workers);
  if (correction::needs_view(options.correction))
    invalid_argument(
        "correction must be one that needs the gradient alone: a parameter server does not keep the "
        "parameters that gradients were computed on");
  if (options.validation || options.affinity != Affinity::none)
    invalid_argument("a parameter server knows no validation and no CPUs: these must be left out");
  if (num_samples == 0) invalid_argument("num_samples must be at least 1; got 0");
}

/// Throws unless the run can begin, or go on, so.
const TrainOptions& checked(const TrainOptions& options, std::size_t most_workers, std::uint64_t num_samples,
                            std::span<const float> theta) {
  check(options, most_workers, num_samples);
  if (options.resume) asap::check(*options.resume, layout_of(options, theta.size()));
  if (!kernels::active().all_finite(theta.size(), theta.data()))
    invalid_argument("parameters must all be finite to start from");
  return options;
}

std::span<const float> start_of(const TrainOptions& options, std::span<const float> theta) {
  return options.resume ? std::span<const float>(options.resume->theta) : theta;
}

BatchQueue queue_of(const TrainOptions& options, std::uint64_t batches_per_epoch) {
  const std::uint64_t limit =
      options.epochs ? saturating_product(*options.epochs, batches_per_epoch) : BatchSource::kUnlimited;
  const Checkpoint* before = options.resume;
  if (!before) return BatchQueue(limit, 0, {});
  return BatchQueue(limit, before->gradients + before->open.size(), before->open);
}

}  // namespace

ParameterServer::ParameterServer(std::uint64_t num_samples, std::span<const float> theta, const TrainOptions& options,
                                 std::size_t most_workers, Observer& observer, Role role)
    : options_(checked(options, most_workers, num_samples, theta)),
      batches_(num_samples, options.batch_size, options.seed, BatchSource::kUnlimited),
      layout_(layout_of(options, theta.size())),
      most_workers_(most_workers),
      role_(role),
      max_skips_(options.on_nonfinite == OnNonfinite::skip ? batches_.batches_per_epoch() : 0),
      workers_(options.workers),
      state_(first_state(layout_, start_of(options, theta), options.resume)),
      clock_(options.resume ? options.resume->seconds : 0.0),
      ledger_(
          options_, {num_samples, most_workers}, state_.span().first(theta.size()), [this] { return parameters(); },
          observer),
      queue_(queue_of(options, batches_.batches_per_epoch())),
      held_(most_workers),
      skipped_in_a_row_(most_workers) {
  if (options_.checkpoint) checkpoints_.emplace(*options_.checkpoint, progress());
  if (works_in_rounds()) open_round();
}

std::optional<std::uint64_t> ParameterServer::take(std::size_t worker) {
  lose(worker);  // a batch that it had, and did not bring
  begin();
  if (is_over()) return std::nullopt;
  const auto batch = works_in_rounds() ? queue_.take(round_.end()) : queue_.take();
  if (batch) held_[worker] = {*batch, version()};
  return batch;
}

void ParameterServer::lose(std::size_t worker) {
  check(worker);
  if (held_[worker]) queue_.give_back(held_[worker]->batch);
  held_[worker].reset();
}

void ParameterServer::hold(std::size_t worker, std::uint64_t batch) {
  check(worker);
  if (batch >= queue_.limit()) invalid_argument("batch must be below ", queue_.limit(), "; got ", batch);
  begin();
  held_[worker] = {batch, version()};
}

void ParameterServer::follow(std::uint64_t rounds) {
  if (rounds_ < rounds && round_.is_complete() && ledger_.goes()) close_round();
}

bool ParameterServer::receive(const Delivery& delivery) {
  check(delivery.worker);
  if (delivery.read > version())
    invalid_argument("a gradient must be of a version up to the present one, ", version(), "; got ", delivery.read);
  std::optional<Held>& held = held_[delivery.worker];
  if (is_over() || !held || held->batch != delivery.batch || delivery.read < held->version) return false;
  held.reset();
  if (!queue_.arrive(delivery.batch)) return false;
  ledger_.set_seconds(clock_.seconds());
  if (is_finite(delivery))
    apply(delivery);
  else
    skip(delivery);
  if (works_in_rounds() && role_ == Role::lead && round_.is_complete() && ledger_.goes()) close_round();
  return true;
}

void ParameterServer::resize(std::size_t workers) {
  if (workers == 0 || workers > most_workers_)
    invalid_argument("workers must be 1 to ", most_workers_, "; got ", workers);
  workers_ = workers;
  ledger_.resize(workers);
}

bool ParameterServer::is_over() const {
  return !ledger_.goes() || queue_.is_done() || (options_.updates && version() >= *options_.updates) ||
         (options_.seconds && has_begun_ && clock_.seconds() >= *options_.seconds);
}

bool ParameterServer::is_checkpoint_due() const {
  return checkpoints_ && !is_gathering() && round_.parts().empty() && checkpoints_->is_due(progress());
}

std::optional<Checkpoint> ParameterServer::checkpoint() {
  ledger_.flush_trace();
  Checkpoint now = ledger_.checkpoint();
  if (!keep_state(now, layout_, state_.data())) {
    ledger_.diverge();
    return std::nullopt;
  }
  now.open.assign(queue_.open().begin(), queue_.open().end());
  for (const Round::Part& part : round_.parts()) now.open.push_back(part.delivery.batch);
  std::sort(now.open.begin(), now.open.end());
  if (checkpoints_) checkpoints_->made_at(progress());
  return now;
}

Report ParameterServer::finish(std::span<float> theta) {
  if (has_begun_) ledger_.set_seconds(clock_.seconds());
  Report report = ledger_.finish(theta);
  report.vectors_high_water = 1;
  return report;
}

/// Time counts from the first batch on.
void ParameterServer::begin() {
  if (!has_begun_) clock_.restart();
  has_begun_ = true;
}

void ParameterServer::check(std::size_t worker) const {
  if (worker >= most_workers_) invalid_argument("worker must be below ", most_workers_, "; got ", worker);
}

bool ParameterServer::is_finite(const Delivery& delivery) const {
  return std::isfinite(delivery.loss) &&
         (max_skips_ == 0 || kernels::active().all_finite(num_parameters(), delivery.gradient));
}

void ParameterServer::skip(const Delivery& delivery) {
  if (++skipped_in_a_row_[delivery.worker] > max_skips_) return ledger_.diverge();
  if (works_in_rounds()) return round_.give_up(delivery);
  record(delivery, {.outcome = Outcome::skipped, .read = delivery.read, .replaced = delivery.read});
}

void ParameterServer::apply(const Delivery& delivery) {
  skipped_in_a_row_[delivery.worker] = 0;
  if (works_in_rounds()) return round_.add(delivery, batches_.num_samples(delivery.batch), num_parameters());
  Receipt receipt{.read = delivery.read, .replaced = version()};
  receipt.apply(ledger_.step(receipt.tau(), receipt.replaced));
  const std::size_t gradients =
      std::max<std::size_t>(std::get<engine::Softsync>(options_.engine).gradients(workers_), 1);
  if (receipt.step().rejects()) {
    receipt.outcome = Outcome::rejected;
  } else if (gathering_.size() + 1 < gradients) {
    gathering_.add(delivery.gradient, num_parameters(), receipt.scale, delivery.worker);
    receipt.outcome = Outcome::gathered;
  } else {
    complete(receipt, delivery);
  }
  record(delivery, receipt);
}

/// With the gradients that wait for this one. A gradient alone is read where it came in.
void ParameterServer::complete(Receipt& receipt, const Delivery& delivery) {
  if (gathering_.size() == 0) {
    advance(layout_, {receipt.step(), delivery.gradient}, state_.data(), state_.data());
  } else {
    gathering_.add(delivery.gradient, num_parameters(), receipt.scale, delivery.worker);
    advance_by_mean(layout_, receipt.rate, gathering_.parts(), state_.data(), state_.data());
    gathering_.clear();
  }
  ++receipt.attempts;
  receipt.outcome = Outcome::published;
}

/// Of those that were given back, of a round before a checkpoint, and of new ones.
void ParameterServer::open_round() {
  const std::set<std::uint64_t>& open = queue_.open();
  if (open.size() > workers_) return round_.open(workers_, *std::next(open.begin(), workers_));
  const std::uint64_t fresh = std::min<std::uint64_t>(workers_ - open.size(), queue_.limit() - queue_.next());
  round_.open(open.size() + fresh, queue_.next() + fresh);
}

/// Gradients count as those of workers in the order of batches, as in a run on threads: somebody may have brought two,
/// for somebody who was lost. The first one that is not given up reports the update.
void ParameterServer::close_round() {
  const Version base = version();
  const Step step = ledger_.step(0, base);
  const float* mean = step.rejects() ? nullptr : round_.mean();
  if (mean) advance(layout_, {step, mean}, state_.data(), state_.data());
  std::size_t worker = 0;
  bool reports = !step.rejects();
  for (const Round::Part& part : round_.parts()) {
    Delivery delivery = part.delivery;
    delivery.worker = worker++;
    Receipt receipt{.outcome = Outcome::skipped, .read = base, .replaced = base};
    if (!part.is_given_up()) {
      receipt.apply(step);
      receipt.outcome = step.rejects() ? Outcome::rejected : reports ? Outcome::published : Outcome::merged;
      receipt.attempts = std::exchange(reports, false) ? 1 : 0;
    }
    record(delivery, receipt);
  }
  ++rounds_;
  open_round();
}

void ParameterServer::record(const Delivery& delivery, const Receipt& receipt) {
  ledger_.record(delivery.worker, delivery.batch, receipt, batches_.num_samples(delivery.batch), delivery.loss);
}

double ParameterServer::progress() const {
  switch (options_.checkpoint->unit) {
    case CheckpointInterval::Unit::updates:
      return static_cast<double>(version());
    case CheckpointInterval::Unit::seconds:
      return clock_.seconds();
    case CheckpointInterval::Unit::epochs:
      break;
  }
  return ledger_.epoch();
}

}  // namespace asap::server
