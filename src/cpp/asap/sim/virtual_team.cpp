#include "asap/sim/virtual_team.h"

#include <algorithm>

#include "asap/kernels/kernels.h"
#include "asap/train/resumption.h"

namespace asap::sim {

VirtualTeam::VirtualTeam(const Objective& objective, const SimulationOptions& options, std::span<const float> theta,
                         Ledger& ledger)
    : VirtualWorkers(objective, options, ledger),
      theta_(theta, layout_of(options.train, theta.size()), theta.size()),
      views_(tasks_.size()),
      gradient_(theta.size()),
      mean_(std::holds_alternative<engine::Synchronous>(options_.engine) ? theta.size() : 0) {}

bool VirtualTeam::read(std::size_t worker) {
  if (!take(worker, version_)) return false;
  views_[worker] = theta_.pin(0);
  return true;
}

void VirtualTeam::read(std::size_t worker, std::uint64_t batch) {
  assign(worker, batch, version_);
  views_[worker] = theta_.pin(0);
}

bool VirtualTeam::prepare(std::size_t worker) {
  Receipt& receipt = tasks_[worker].receipt;
  receipt.replaced = version_;
  receipt.apply(ledger_.step(receipt.tau(), version_));
  return !receipt.step().rejects();
}

void VirtualTeam::publish(std::size_t worker) {
  const Computed computed = differentiate(worker);
  if (skips(worker, computed, gradient_)) return;
  Receipt& receipt = tasks_[worker].receipt;
  const Step step = receipt.step();
  if (!step.rejects()) {
    ++receipt.attempts;
    advance({step, gradient_.data(), theta_.values(views_[worker])});
  }
  settle(worker, step.rejects() ? Outcome::rejected : Outcome::published, computed);
}

void VirtualTeam::gather(std::size_t worker, std::size_t gradients) {
  const Computed computed = differentiate(worker);
  if (skips(worker, computed, gradient_)) return;
  Receipt& receipt = tasks_[worker].receipt;
  if (receipt.step().rejects()) return settle(worker, Outcome::rejected, computed);
  const auto place = std::upper_bound(parts_.begin(), parts_.end(), worker,
                                      [](std::size_t own, const GatheredPart& part) { return own < part.worker; });
  parts_.insert(place, {gradient_.data(), receipt.scale, worker});
  const bool completes = parts_.size() == gradients;
  completes ? complete(receipt) : leave_gradient();
  settle(worker, completes ? Outcome::published : Outcome::gathered, computed);
}

void VirtualTeam::drop(std::size_t worker) {
  const Computed computed = differentiate(worker);
  if (!skips(worker, computed, gradient_)) settle(worker, Outcome::dropped, computed);
}

void VirtualTeam::publish_round(std::vector<std::size_t> workers) {
  for (const std::size_t worker : workers) theta_.unpin(views_[worker]);  // the present version, until its end below
  const std::vector<Computed> computed = average_round(workers);
  if (!ledger_.goes() || workers.empty()) return;
  const Version base = version_;
  const Step step = ledger_.step(0, base);
  if (!step.rejects()) advance({step, mean_.data(), parameters()});
  for (std::size_t i = 0; i < workers.size(); ++i) {
    Receipt& receipt = tasks_[workers[i]].receipt;
    receipt.replaced = base;
    receipt.apply(step);
    receipt.attempts = i == 0 && !step.rejects() ? 1 : 0;
    settle(workers[i], step.rejects() ? Outcome::rejected : i == 0 ? Outcome::published : Outcome::merged, computed[i]);
  }
}

/// The last look at the worker's view: an update may then be written there.
Computed VirtualTeam::differentiate(std::size_t worker) {
  const Computed computed = VirtualWorkers::differentiate(worker, theta_.values(views_[worker]), gradient_);
  theta_.unpin(views_[worker]);
  return computed;
}

/// The gradient stays for the update in the making.
void VirtualTeam::leave_gradient() {
  if (waiting_.size() < parts_.size()) waiting_.emplace_back(num_parameters());
  std::swap(waiting_[parts_.size() - 1], gradient_);
}

void VirtualTeam::complete(Receipt& receipt) {
  average(std::span<const GatheredPart>(parts_), 0, num_parameters());
  advance({{receipt.rate, scale_of_mean(parts_), version_}, parts_.front().gradient});
  parts_.clear();
  ++receipt.attempts;
}

void VirtualTeam::advance(const ScaledGradient& update) {
  theta_.advance(0, update);
  ++version_;
}

/// Leaves in mean_ the mean of these workers' gradients, without those that are not finite, whom it removes.
std::vector<Computed> VirtualTeam::average_round(std::vector<std::size_t>& workers) {
  std::vector<Computed> computed;
  while (ledger_.goes() && computed.size() < workers.size())
    if (!add_to_mean(workers, computed)) computed.clear();  // the weights of all others change
  return computed;
}

/// The next one, weighed by samples, in the order of workers: the arithmetic of store/round_mean.h, one gradient at a
/// time. Returns false when it is removed.
bool VirtualTeam::add_to_mean(std::vector<std::size_t>& workers, std::vector<Computed>& computed) {
  std::uint64_t samples = 0;
  for (const std::size_t worker : workers) samples += batches_.num_samples(tasks_[worker].batch);
  const std::size_t worker = workers[computed.size()];
  const Computed own = VirtualWorkers::differentiate(worker, parameters(), gradient_);
  if (skips(worker, own, gradient_)) {
    std::erase(workers, worker);
    return false;
  }
  const auto weight = static_cast<float>(static_cast<double>(own.samples) / static_cast<double>(samples));
  if (computed.empty())
    kernels::active().scaled_copy(mean_.size(), weight, gradient_.data(), mean_.data());
  else
    kernels::active().accumulate(mean_.size(), weight, gradient_.data(), mean_.data());
  computed.push_back(own);
  return true;
}

}  // namespace asap::sim
