#include "asap/model/loss.h"

#include <algorithm>

namespace asap::model {
namespace {

double evaluate(std::size_t samples, NetworkWorkspace& workspace, float weight, float* d_output) {
  const Plan& plan = workspace.plan;
  if (plan.loss == Loss::softmax_cross_entropy)
    return plan.kernels.softmax_cross_entropy(samples, plan.num_outputs, workspace.outputs(), workspace.labels.data(),
                                              weight, d_output);
  return plan.kernels.squared_error(samples, plan.num_outputs, workspace.outputs(), workspace.targets.data(), weight,
                                    d_output);
}

bool is_hit(std::span<const float> output, std::size_t label) {
  const float value = output[label];
  const auto before = output.first(label), behind = output.subspan(label);
  return std::all_of(before.begin(), before.end(), [value](float other) { return value > other; }) &&
         std::all_of(behind.begin(), behind.end(), [value](float other) { return value >= other; });
}

}  // namespace

void gather_truth(const Dataset& dataset, std::span<const std::uint64_t> indices, NetworkWorkspace& workspace) {
  if (workspace.plan.loss == Loss::softmax_cross_entropy) {
    std::int32_t* label = workspace.labels.data();
    for (const auto index : indices) *label++ = dataset.labels[index];
  } else {
    float* target = workspace.targets.data();
    for (const auto index : indices)
      target = std::copy_n(dataset.targets.data() + index * dataset.target_size, dataset.target_size, target);
  }
}

double loss_sum(std::size_t samples, NetworkWorkspace& workspace) { return evaluate(samples, workspace, 0, nullptr); }

double differentiate_loss(std::size_t samples, NetworkWorkspace& workspace, float weight) {
  return evaluate(samples, workspace, weight, workspace.d_output.data());
}

std::uint64_t count_hits(std::size_t samples, NetworkWorkspace& workspace) {
  const std::size_t classes = workspace.plan.num_outputs;
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < samples; ++i)
    hits += is_hit({workspace.outputs() + i * classes, classes}, static_cast<std::size_t>(workspace.labels[i]));
  return hits;
}

void write_predictions(std::size_t samples, NetworkWorkspace& workspace, float* predictions) {
  const Plan& plan = workspace.plan;
  if (plan.loss == Loss::softmax_cross_entropy)
    plan.kernels.softmax(samples, plan.num_outputs, workspace.outputs(), predictions);
  else
    std::copy_n(workspace.outputs(), samples * plan.num_outputs, predictions);
}

}  // namespace asap::model
