// A network, its parameters and its data as Python hands them over, in the form in which the core runs on them.
#pragma once

#include <optional>

#include "asap/model/network.h"
#include "asap/trace/file.h"
#include "asap/train/trainer.h"
#include "bindings.h"

namespace asap::bindings {

/// Lives as long as the run. Options made by with() refer to it.
class NetworkRun {
 public:
  /// Throws std::invalid_argument unless theta is writeable: the result is left in it.
  NetworkRun(const Network& network, Contiguous<float> theta, const ArrayDataset& data,
             const ArrayDataset* validation = nullptr, std::optional<int> trace = std::nullopt);
  NetworkRun(const NetworkRun&) = delete;
  NetworkRun& operator=(const NetworkRun&) = delete;

  const Objective& objective() const { return objective_; }
  std::span<float> parameters() const { return parameters_; }

  /// The options, with the validation and the trace of this run.
  TrainOptions with(TrainOptions options);

 private:
  Contiguous<float> theta_;
  std::span<float> parameters_;  // of theta
  NetworkObjective objective_;
  std::optional<NetworkObjective> validation_;
  std::optional<TraceFile> trace_;
};

}  // namespace asap::bindings
