#include "asap/train/evaluate.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "asap/core/error.h"

namespace asap {

std::optional<Metrics> evaluate(const Objective& objective, const float* theta, std::size_t batch_size,
                                Workspace* workspace, const std::function<bool()>& go_on) {
  if (batch_size == 0) invalid_argument("batch_size must be at least 1; got 0");
  std::vector<std::uint64_t> indices(std::min(batch_size, objective.num_samples()));
  Metrics metrics;
  Batch batch;
  for (std::size_t first = 0; first < objective.num_samples(); first += batch.samples.size(), ++batch.id) {
    batch.samples = std::span(indices).first(std::min(indices.size(), objective.num_samples() - first));
    std::iota(indices.begin(), indices.end(), first);
    metrics += objective.evaluate(theta, batch, workspace);
    if (!go_on()) return std::nullopt;
  }
  return metrics;
}

Metrics evaluate(const Objective& objective, const float* theta, std::size_t batch_size) {
  const auto workspace = objective.workspace(batch_size);
  return *evaluate(objective, theta, batch_size, workspace.get(), [] { return true; });
}

}  // namespace asap
