// What a learner does between a parameter server's batch number and the gradient it brings back.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "asap/data/batch_source.h"
#include "asap/train/gradient.h"
#include "asap/train/trainer.h"

namespace asap::server {

/// Computes gradients with the bits of a worker of train(): of the options, batch size, seed, weight decay and a
/// correction that needs the gradient alone count. The objective must outlive it. One thread; allocates in its
/// constructor only.
class Learner {
 public:
  Learner(const Objective& objective, const TrainOptions& options)
      : objective_(objective),
        weight_decay_(options.weight_decay),
        correction_(options.correction),
        batches_(objective.num_samples(), options.batch_size, options.seed, BatchSource::kUnlimited),
        workspace_(objective.workspace(options.batch_size)),
        indices_(options.batch_size) {}

  /// The samples of the batch; valid until the next call.
  std::span<const std::uint64_t> samples(std::uint64_t batch) { return batches_.samples(batch, indices_); }

  /// Writes the gradient at theta (num_parameters() floats) and returns the mean loss.
  double gradient(std::uint64_t batch, const float* theta, float* gradient) {
    return gradient_of({batch, samples(batch)}, theta, gradient);
  }

  /// Likewise of samples that the caller chose, as many as a batch has at most.
  double gradient_of(const Batch& batch, const float* theta, float* gradient) {
    return decayed_gradient(objective_, weight_decay_, theta, batch, workspace_.get(), gradient, correction_);
  }

 private:
  const Objective& objective_;
  const double weight_decay_;
  const correction::Correction correction_;
  const BatchSource batches_;
  std::unique_ptr<Workspace> workspace_;
  std::vector<std::uint64_t> indices_;
};

}  // namespace asap::server
