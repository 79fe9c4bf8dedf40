#include "asap/model/network.h"

namespace asap {

NetworkObjective::NetworkObjective(const Network& network, const Dataset& dataset)
    : network_(network), dataset_(dataset) {
  network.check(dataset);
}

std::size_t NetworkObjective::num_parameters() const { return network_.num_parameters(); }
std::size_t NetworkObjective::num_samples() const { return dataset_.size(); }

std::unique_ptr<Workspace> NetworkObjective::workspace(std::size_t max_batch) const {
  return network_.workspace(max_batch);
}

std::unique_ptr<Workspace> NetworkObjective::fused_workspace(std::size_t max_batch) const {
  return network_.fused_workspace(max_batch);
}

double NetworkObjective::gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const {
  return network_.gradient(theta, dataset_, batch.samples, *workspace, gradient, batch.next);
}

double NetworkObjective::forward(const float* theta, const Batch& batch, Workspace* workspace) const {
  return network_.forward(theta, dataset_, batch.samples, *workspace, batch.next);
}

void NetworkObjective::add_gradient(const float* theta, float factor, Workspace* workspace, float* sum) const {
  network_.add_gradient(theta, factor, *workspace, sum);
}

Metrics NetworkObjective::evaluate(const float* theta, const Batch& batch, Workspace* workspace) const {
  return network_.evaluate(theta, dataset_, batch.samples, *workspace);
}

}  // namespace asap
