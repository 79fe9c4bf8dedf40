#include "asap/train/resumption.h"

#include <algorithm>

#include "asap/kernels/kernels.h"

namespace asap {

bool is_same_team(const TrainOptions& options) {
  return !options.resume || options.resume->num_workers == options.workers;
}

Adaptation adaptation_of(const TrainOptions& options) {
  const Execution execution{options.workers, options.rate, options.updates};
  const Checkpoint* before = options.resume;
  if (!before) return {options.policy, execution};
  if (is_same_team(options)) return {options.policy, execution, before->adaptation};
  return {options.policy, execution, before->version, before->adaptation.log};
}

StateLayout layout_of(const TrainOptions& options, std::size_t num_parameters, std::pmr::memory_resource* memory) {
  return StateLayout(num_parameters, static_cast<float>(options.momentum), memory, options.correction);
}

AlignedBuffer<float> first_state(const StateLayout& layout, std::span<const float> theta, const Checkpoint* resume) {
  AlignedBuffer<float> state(layout.size());
  std::copy(theta.begin(), theta.end(), state.data());
  if (!resume) return state;
  std::copy(resume->velocity.begin(), resume->velocity.end(), layout.velocity(state.data()));
  std::copy(resume->movement.begin(), resume->movement.end(), layout.movement(state.data()));
  return state;
}

bool keep_state(Checkpoint& checkpoint, const StateLayout& layout, const float* state) {
  const auto part = [&](const float* first) {
    return first ? std::vector<float>(first, first + layout.parameters()) : std::vector<float>();
  };
  checkpoint.theta = part(state);
  checkpoint.velocity = part(layout.velocity(state));
  checkpoint.movement = part(layout.movement(state));
  const auto finite = [](const auto& vector) { return kernels::active().all_finite(vector.size(), vector.data()); };
  return finite(checkpoint.theta) && finite(checkpoint.velocity) && finite(checkpoint.movement);
}

}  // namespace asap
