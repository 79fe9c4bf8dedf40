#include "asap/sim/virtual_workers.h"

#include <cmath>
#include <variant>

#include "asap/kernels/kernels.h"
#include "asap/train/count.h"
#include "asap/train/gradient.h"
#include "asap/train/limits.h"

namespace asap::sim {
namespace {

bool works_in_rounds(const TrainOptions& options) {
  return std::holds_alternative<engine::Synchronous>(options.engine);
}

/// How many batches a number of rounds takes depends on how many workers come to each: those end by their version. An
/// update of softsync has as many gradients as the largest team gives it.
TrainOptions limits_in_batches(const SimulationOptions& options) {
  TrainOptions train = options.train;
  train.workers = most_workers(options);
  if (works_in_rounds(train)) train.updates.reset();
  return train;
}

}  // namespace

VirtualWorkers::VirtualWorkers(const Objective& objective, const SimulationOptions& options, Ledger& ledger)
    : objective_(objective),
      options_(options.train),
      ledger_(ledger),
      batches_(make_batches(objective, limits_in_batches(options))),
      tasks_(most_workers(options)),
      size_(options_.workers),
      workspace_(objective.workspace(options_.batch_size)),
      indices_(options_.batch_size),
      max_skips_(options_.on_nonfinite == OnNonfinite::skip ? batches_.batches_per_epoch() : 0) {}

std::vector<std::size_t> VirtualWorkers::resize(std::size_t workers) {
  size_ = workers;
  std::vector<std::size_t> rest;
  for (std::size_t worker = 0; worker < workers; ++worker)
    if (tasks_[worker].rests) rest.push_back(worker);
  return rest;
}

Failure VirtualWorkers::position() const {
  Failure at = {.updates = ledger_.counts().published};
  if (!at_) return at;
  const Task& task = tasks_[*at_];
  at.worker = *at_;
  at.batch = task.batch;
  at.read = task.receipt.read;
  at.tau = at.updates - std::min(at.updates, at.read);
  return at;
}

bool VirtualWorkers::take(std::size_t worker, Version read) {
  const std::optional<std::uint64_t> batch = worker < size_ ? batches_.take() : std::nullopt;
  tasks_[worker].rests = !batch;
  if (batch) assign(worker, *batch, read);
  return batch.has_value();
}

void VirtualWorkers::assign(std::size_t worker, std::uint64_t batch, Version read) {
  tasks_[worker].batch = batch;
  tasks_[worker].receipt = {.read = read};
}

Computed VirtualWorkers::differentiate(std::size_t worker, const float* theta, AlignedBuffer<float>& gradient) {
  const Batch batch{tasks_[worker].batch, batches_.samples(tasks_[worker].batch, indices_)};
  at_ = worker;
  const double loss = decayed_gradient(objective_, options_.weight_decay, theta, batch, workspace_.get(),
                                       gradient.data(), options_.correction);
  at_.reset();
  return {batch.samples.size(), loss};
}

bool VirtualWorkers::skips(std::size_t worker, const Computed& computed, const AlignedBuffer<float>& gradient) {
  Task& task = tasks_[worker];
  const bool finite = std::isfinite(computed.loss) &&
                      (max_skips_ == 0 || kernels::active().all_finite(gradient.size(), gradient.data()));
  task.skipped_in_a_row = finite ? 0 : task.skipped_in_a_row + 1;
  if (task.skipped_in_a_row > max_skips_) {
    ledger_.diverge();
  } else if (!finite) {
    task.receipt = {.read = task.receipt.read, .replaced = task.receipt.read};
    settle(worker, Outcome::skipped, computed);
  }
  return !finite;
}

void VirtualWorkers::settle(std::size_t worker, Outcome outcome, const Computed& computed) {
  Task& task = tasks_[worker];
  task.receipt.outcome = outcome;
  publishing_seconds_ += ledger_.seconds() - task.computed_seconds;
  if (options_.updates && is_given_up(outcome) && !works_in_rounds(options_)) batches_.grant();
  ledger_.record(worker, task.batch, task.receipt, computed.samples, computed.loss);
}

}  // namespace asap::sim
