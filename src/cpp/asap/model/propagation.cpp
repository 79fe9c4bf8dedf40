#include "asap/model/propagation.h"

#include <utility>

namespace asap::model {

void propagate_forward(const float* theta, std::size_t samples, NetworkWorkspace& workspace) {
  const auto& stages = workspace.plan.stages;
  auto& activations = workspace.activations;
  for (std::size_t i = 0; i < stages.size(); ++i)
    stages[i]->forward({.samples = samples,
                        .theta = theta,
                        .input = activations[i].data(),
                        .output = activations[i + 1].data(),
                        .winners = workspace.winners[i].data(),
                        .scratch = workspace.scratch.data()});
}

void propagate_backward(const float* theta, std::size_t samples, NetworkWorkspace& workspace, kernels::Write write,
                        float* gradient) {
  const auto& plan = workspace.plan;
  float* d_output = workspace.d_output.data();
  float* d_input = workspace.d_input.data();
  for (std::size_t i = plan.stages.size(); i-- > plan.first_trained;) {
    plan.stages[i]->backward({.samples = samples,
                              .theta = theta,
                              .input = workspace.activations[i].data(),
                              .output = workspace.activations[i + 1].data(),
                              .winners = workspace.winners[i].data(),
                              .d_output = d_output,
                              .d_input = i > plan.first_trained ? d_input : nullptr,
                              .gradient = gradient,
                              .write = write,
                              .scratch = workspace.scratch.data()});
    std::swap(d_output, d_input);
  }
}

}  // namespace asap::model
