// Whether a data set fits a network: checked once, before the first gradient.
#include <algorithm>

#include "asap/core/error.h"
#include "asap/model/plan.h"

namespace asap {
namespace {

void check_labels(const Dataset& dataset, std::size_t classes) {
  if (dataset.labels.size() != dataset.size())
    invalid_argument("labels: ", dataset.size(), " samples have ", dataset.labels.size(),
                     " labels; softmax cross-entropy needs one for each sample");
  const auto out_of_range = [classes](std::int32_t label) {
    return label < 0 || static_cast<std::size_t>(label) >= classes;
  };
  const auto offender = std::find_if(dataset.labels.begin(), dataset.labels.end(), out_of_range);
  if (offender != dataset.labels.end())
    invalid_argument("labels[", offender - dataset.labels.begin(), "] is ", *offender, "; accepted are 0 … ",
                     classes - 1, ", one for each output of the network");
}

void check_targets(const Dataset& dataset, std::size_t outputs) {
  if (dataset.target_size != outputs)
    invalid_argument("targets: the data set has ", dataset.target_size, " per sample; the network has ", outputs,
                     " outputs");
  if (dataset.targets.size() != dataset.size() * outputs)
    invalid_argument("targets: ", dataset.size(), " samples have ", dataset.targets.size(),
                     " target values; mean squared error needs ", outputs, " for each sample");
}

}  // namespace

void Network::check(const Dataset& dataset) const {
  if (dataset.inputs.shape != input())
    invalid_argument("inputs: samples have shape ", dataset.inputs.shape, "; the network takes ", input());
  if (loss() == Loss::softmax_cross_entropy)
    check_labels(dataset, num_outputs());
  else
    check_targets(dataset, num_outputs());
}

}  // namespace asap
