#include "asap/model/workspace.h"

#include <algorithm>

#include "asap/core/error.h"

namespace asap::model {
namespace {

/// The most any stage needs for any slice that may come: kernels may choose their ways, hence their scratch, by its
/// size.
std::size_t largest_scratch(const Plan& plan, std::size_t slice) {
  std::size_t largest = 0;
  for (const auto& stage : plan.stages)
    for (std::size_t samples = 1; samples <= slice; ++samples) largest = std::max(largest, stage->scratch(samples));
  return largest;
}

/// Of the arrays that backward passes go through.
std::size_t largest_gradient(const Plan& plan, std::size_t slice) {
  std::size_t largest = 0;
  for (std::size_t i = plan.first_trained + 1; i < plan.extents.size(); ++i)
    largest = std::max(largest, plan.extents[i].floats(slice));
  return largest;
}

}  // namespace

NetworkWorkspace::NetworkWorkspace(const Plan& the_plan, std::size_t the_max_batch, std::size_t the_slice)
    : plan(the_plan),
      max_batch(the_max_batch),
      slice(the_slice),
      d_output(largest_gradient(plan, slice)),
      d_input(largest_gradient(plan, slice)),
      scratch(largest_scratch(plan, slice)),
      labels(slice),
      targets(slice * plan.num_outputs) {
  for (const auto& extent : plan.extents) activations.emplace_back(extent.floats(slice));
  for (const auto& stage : plan.stages) winners.emplace_back(stage->winners(slice));
}

NetworkWorkspace& require_workspace(const Plan& plan, Workspace& workspace, std::size_t samples) {
  auto* own = dynamic_cast<NetworkWorkspace*>(&workspace);
  if (!own || &own->plan != &plan) invalid_argument("the workspace was made for another network");
  if (samples == 0 || samples > own->max_batch)
    invalid_argument("the batch has ", samples, " samples; this workspace takes 1 … ", own->max_batch);
  return *own;
}

}  // namespace asap::model
