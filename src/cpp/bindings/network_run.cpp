#include "network_run.h"

namespace asap::bindings {
namespace {

std::span<float> writeable(Contiguous<float>& theta) {
  if (!theta.writeable()) invalid_argument("theta must be writeable: the result is left in it");
  return {theta.mutable_data(), static_cast<std::size_t>(theta.size())};
}

}  // namespace

NetworkRun::NetworkRun(const Network& network, Contiguous<float> theta, const ArrayDataset& data,
                       const ArrayDataset* validation, std::optional<int> trace)
    : theta_(std::move(theta)), parameters_(writeable(theta_)), objective_(network, data.view) {
  if (validation) validation_.emplace(network, validation->view);
  if (trace) trace_.emplace(*trace);
}

TrainOptions NetworkRun::with(TrainOptions options) {
  options.validation = validation_ ? &*validation_ : nullptr;
  options.trace = trace_ ? &*trace_ : nullptr;
  return options;
}

}  // namespace asap::bindings
