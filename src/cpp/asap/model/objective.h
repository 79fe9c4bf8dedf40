// The objective: what is minimised. The trainer and the stores know nothing else of models and data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace asap {

/// The samples of one gradient: their indices, and the number of the batch in this run.
struct Batch {
  std::uint64_t id = 0;
  std::span<const std::uint64_t> samples;
  std::span<const std::uint64_t> next = {};  ///< probably this worker's next ones: a hint to fetch them in time
};

/// Sums over samples, so that metrics of parts add up. `correct` stays 0 for objectives without classes.
struct Metrics {
  double loss_sum = 0;
  std::uint64_t correct = 0;
  std::uint64_t samples = 0;

  Metrics& operator+=(const Metrics& other) {
    loss_sum += other.loss_sum;
    correct += other.correct;
    samples += other.samples;
    return *this;
  }
  double loss() const { return samples ? loss_sum / static_cast<double>(samples) : 0.0; }
  double accuracy() const { return samples ? static_cast<double>(correct) / static_cast<double>(samples) : 0.0; }
};

/// What one thread needs to compute gradients, allocated once before its loop.
class Workspace {
 public:
  virtual ~Workspace() = default;
};

/// A differentiable loss over samples 0 … n−1, as a function of one flat parameter vector.
/// Thread-safety: const member functions may run at the same time, each caller with a workspace of its own.
class Objective {
 public:
  virtual ~Objective() = default;

  virtual std::size_t num_parameters() const = 0;
  virtual std::size_t num_samples() const = 0;

  /// Everything that `gradient` and `evaluate` need for batches of up to max_batch samples; may return nullptr for
  /// nothing.
  virtual std::unique_ptr<Workspace> workspace(std::size_t max_batch) const = 0;

  /// Writes the gradient of the batch's mean loss at theta (num_parameters() floats) and returns that loss.
  /// Must not allocate: it is called once per update by every worker.
  virtual double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const = 0;

  /// Loss, and hits where there are classes, summed over the batch.
  virtual Metrics evaluate(const float* theta, const Batch& batch, Workspace* workspace) const = 0;
};

/// An objective that can add its gradient straight to the parameters it is computed on, without a buffer between. The
/// gradient comes in two halves, so that an engine can settle τ and the step in the middle.
class FusibleObjective : public Objective {
 public:
  /// A workspace for the two calls below.
  virtual std::unique_ptr<Workspace> fused_workspace(std::size_t max_batch) const = 0;

  /// The forward pass: returns the batch's mean loss and leaves in the workspace what `add_gradient` needs.
  virtual double forward(const float* theta, const Batch& batch, Workspace* workspace) const = 0;

  /// The backward pass behind it: sum += factor · gradient of that loss at theta. `sum` may be theta: every parameter
  /// is written after it was read for the last time. Neither call may allocate.
  virtual void add_gradient(const float* theta, float factor, Workspace* workspace, float* sum) const = 0;
};

}  // namespace asap
