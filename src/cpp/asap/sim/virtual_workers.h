// What the workers of a simulated run hold, whatever the engine: each a batch, and how far its gradient is.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/data/batch_source.h"
#include "asap/sim/simulator.h"
#include "asap/store/state_layout.h"
#include "asap/train/ledger.h"

namespace asap::sim {

/// A gradient's samples and their mean loss.
struct Computed {
  std::size_t samples = 0;
  double loss = 0;
};

/// Takes batches, computes gradients, one at a time, and tells the ledger what became of them. One thread.
class VirtualWorkers {
 public:
  VirtualWorkers(const Objective& objective, const SimulationOptions& options, Ledger& ledger);

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return tasks_.size(); }  ///< the largest number of workers at any time
  std::size_t num_parameters() const { return objective_.num_parameters(); }

  /// Another number of workers. Returns who rests and is to begin.
  std::vector<std::size_t> resize(std::size_t workers);

  /// The gradient is done, as far as time is concerned.
  void computed(std::size_t worker) { tasks_[worker].computed_seconds = ledger_.seconds(); }

  /// Workers · seconds spent between gradients and what became of them.
  double publishing_seconds() const { return publishing_seconds_; }

  /// What it is at, for an exception.
  Failure position() const;

 protected:
  struct Task {
    std::uint64_t batch = 0;
    Receipt receipt;
    double computed_seconds = 0;
    std::uint64_t skipped_in_a_row = 0;
    bool rests = true;
  };

  /// Begins with the next batch, on this version. Returns false, and the worker rests, when there is no batch left or
  /// the team has fewer workers.
  bool take(std::size_t worker, Version read);

  /// Begins with this batch.
  void assign(std::size_t worker, std::uint64_t batch, Version read);

  /// The gradient of the worker's batch at theta.
  Computed differentiate(std::size_t worker, const float* theta, AlignedBuffer<float>& gradient);

  /// Whether the gradient is not finite and given up; if that is one too many, the run ends.
  bool skips(std::size_t worker, const Computed& computed, const AlignedBuffer<float>& gradient);

  /// What became of a gradient.
  void settle(std::size_t worker, Outcome outcome, const Computed& computed);

  const Objective& objective_;
  const TrainOptions& options_;
  Ledger& ledger_;
  BatchSource batches_;
  std::vector<Task> tasks_;

 private:
  std::size_t size_;
  std::unique_ptr<Workspace> workspace_;
  std::vector<std::uint64_t> indices_;
  const std::uint64_t max_skips_;  // in a row, of gradients that are not finite
  std::optional<std::size_t> at_;  // whose gradient is computed
  double publishing_seconds_ = 0;
};

}  // namespace asap::sim
