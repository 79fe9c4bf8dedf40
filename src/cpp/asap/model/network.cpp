#include "asap/model/network.h"

#include <utility>

#include "asap/core/error.h"
#include "asap/model/loss.h"
#include "asap/model/plan.h"
#include "asap/model/propagation.h"
#include "asap/model/workspace.h"

namespace asap {
namespace {

/// The outputs of the samples, in the workspace that is returned.
model::NetworkWorkspace& run(const model::Plan& plan, const float* theta, const SampleArray& inputs,
                             std::span<const std::uint64_t> indices, Workspace& workspace) {
  if (inputs.shape != plan.input)
    invalid_argument("inputs: samples have shape ", inputs.shape, "; the network takes ", plan.input);
  auto& own = model::require_workspace(plan, workspace, indices.size());
  gather_rows(inputs, indices, own.activations[0].data());
  model::propagate_forward(theta, indices.size(), own);
  return own;
}

}  // namespace

Network::Network(Shape input, std::vector<Layer> layers, Loss loss, const kernels::Table& table)
    : plan_(std::make_unique<model::Plan>(model::make_plan(input, std::move(layers), loss, table))) {}
Network::~Network() = default;
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;

Shape Network::input() const { return plan_->input; }
std::size_t Network::num_outputs() const { return plan_->num_outputs; }
std::size_t Network::num_parameters() const { return plan_->num_parameters; }
Loss Network::loss() const { return plan_->loss; }
const std::vector<Layer>& Network::layers() const { return plan_->layers; }
const std::vector<Parameter>& Network::parameters() const { return plan_->parameters; }

std::unique_ptr<Workspace> Network::workspace(std::size_t max_batch) const {
  if (max_batch == 0) invalid_argument("max_batch is 0; accepted are numbers from 1 on");
  return std::make_unique<model::NetworkWorkspace>(*plan_, max_batch);
}

void Network::predict(const float* theta, const SampleArray& inputs, std::span<const std::uint64_t> indices,
                      Workspace& workspace, float* outputs) const {
  model::write_predictions(indices.size(), run(*plan_, theta, inputs, indices, workspace), outputs);
}

double Network::gradient(const float* theta, const Dataset& dataset, std::span<const std::uint64_t> indices,
                         Workspace& workspace, float* gradient) const {
  auto& own = run(*plan_, theta, dataset.inputs, indices, workspace);
  model::gather_truth(dataset, indices, own);
  const double loss = model::differentiate_loss(indices.size(), own);
  model::propagate_backward(theta, indices.size(), own, gradient);
  return loss / static_cast<double>(indices.size());
}

Metrics Network::evaluate(const float* theta, const Dataset& dataset, std::span<const std::uint64_t> indices,
                          Workspace& workspace) const {
  auto& own = run(*plan_, theta, dataset.inputs, indices, workspace);
  model::gather_truth(dataset, indices, own);
  const bool has_classes = loss() == Loss::softmax_cross_entropy;
  return {.loss_sum = model::loss_sum(indices.size(), own),
          .correct = has_classes ? model::count_hits(indices.size(), own) : 0,
          .samples = indices.size()};
}

}  // namespace asap
