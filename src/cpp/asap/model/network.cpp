#include "asap/model/network.h"

#include <algorithm>
#include <utility>

#include "asap/core/error.h"
#include "asap/data/gather.h"
#include "asap/model/loss.h"
#include "asap/model/plan.h"
#include "asap/model/propagation.h"
#include "asap/model/workspace.h"

namespace asap {
namespace {

/// The workspace as this network's, for a batch of samples of the right shape.
model::NetworkWorkspace& prepare(const model::Plan& plan, const SampleArray& inputs, std::size_t samples,
                                 Workspace& workspace) {
  if (inputs.shape != plan.input)
    invalid_argument("inputs: samples have shape ", inputs.shape, "; the network takes ", plan.input);
  return model::require_workspace(plan, workspace, samples);
}

using Indices = std::span<const std::uint64_t>;

/// The outputs of a slice's samples, in the workspace. The inputs of those behind it are on their way meanwhile.
void run(const float* theta, const SampleArray& inputs, Indices slice, Indices behind,
         model::NetworkWorkspace& workspace) {
  const model::Extent& first = workspace.plan.extents[0];
  float* features = workspace.activations[0].data();
  if (first.layout == model::Layout::lanes)
    gather_lanes(workspace.plan.kernels, inputs, slice, features);
  else
    gather_rows(inputs, slice, features);
  prefetch(inputs, behind);
  model::propagate_forward(theta, slice.size(), workspace);
  workspace.samples = slice.size();
}

/// A slice's part of a batch's summed loss; workspace.d_output becomes the gradient of the *batch's mean* loss.
double run_and_differentiate(const float* theta, const Dataset& dataset, Indices slice, Indices behind,
                             std::size_t batch, model::NetworkWorkspace& workspace) {
  run(theta, dataset.inputs, slice, behind, workspace);
  model::gather_truth(dataset, slice, workspace);
  return model::differentiate_loss(slice.size(), workspace, 1.0f / static_cast<float>(batch));
}

void require_positive(std::size_t max_batch) {
  if (max_batch == 0) invalid_argument("max_batch is 0; accepted are numbers from 1 on");
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
  require_positive(max_batch);
  return std::make_unique<model::NetworkWorkspace>(*plan_, max_batch, std::min(max_batch, plan_->slice));
}

std::unique_ptr<Workspace> Network::fused_workspace(std::size_t max_batch) const {
  require_positive(max_batch);
  return std::make_unique<model::NetworkWorkspace>(*plan_, max_batch, max_batch);
}

void Network::predict(const float* theta, const SampleArray& inputs, std::span<const std::uint64_t> indices,
                      Workspace& workspace, float* outputs) const {
  auto& own = prepare(*plan_, inputs, indices.size(), workspace);
  model::for_each_slice(own, indices, {}, [&](Indices slice, Indices behind) {
    run(theta, inputs, slice, behind, own);
    model::write_predictions(slice.size(), own, outputs);
    outputs += slice.size() * num_outputs();
  });
}

double Network::gradient(const float* theta, const Dataset& dataset, std::span<const std::uint64_t> indices,
                         Workspace& workspace, float* gradient, std::span<const std::uint64_t> next) const {
  auto& own = prepare(*plan_, dataset.inputs, indices.size(), workspace);
  double loss = 0;
  auto write = kernels::Write::replace;
  model::for_each_slice(own, indices, next, [&](Indices slice, Indices behind) {
    loss += run_and_differentiate(theta, dataset, slice, behind, indices.size(), own);
    model::propagate_backward(theta, slice.size(), own, write, gradient);
    write = kernels::Write::add;
  });
  return loss / static_cast<double>(indices.size());
}

double Network::forward(const float* theta, const Dataset& dataset, std::span<const std::uint64_t> indices,
                        Workspace& workspace, std::span<const std::uint64_t> next) const {
  auto& own = prepare(*plan_, dataset.inputs, indices.size(), workspace);
  if (own.slice < indices.size()) invalid_argument("the workspace must come from fused_workspace()");
  const double loss = run_and_differentiate(theta, dataset, indices, next, indices.size(), own);
  return loss / static_cast<double>(indices.size());
}

void Network::add_gradient(const float* theta, float factor, Workspace& workspace, float* sum) const {
  auto& own = model::require_workspace(*plan_, workspace, 1);
  if (own.samples == 0) invalid_argument("the workspace has seen no forward pass");
  float* d_output = own.d_output.data();
  plan_->kernels.scaled_copy(own.samples * num_outputs(), factor, d_output, d_output);
  model::propagate_backward(theta, own.samples, own, kernels::Write::add, sum);
  own.samples = 0;
}

Metrics Network::evaluate(const float* theta, const Dataset& dataset, std::span<const std::uint64_t> indices,
                          Workspace& workspace) const {
  auto& own = prepare(*plan_, dataset.inputs, indices.size(), workspace);
  const bool has_classes = loss() == Loss::softmax_cross_entropy;
  Metrics metrics{.samples = indices.size()};
  model::for_each_slice(own, indices, {}, [&](Indices slice, Indices behind) {
    run(theta, dataset.inputs, slice, behind, own);
    model::gather_truth(dataset, slice, own);
    metrics.loss_sum += model::loss_sum(slice.size(), own);
    if (has_classes) metrics.correct += model::count_hits(slice.size(), own);
  });
  return metrics;
}

}  // namespace asap
