// The ledger of a run whose gradients come one after the other, in virtual time or from other machines: counts,
// staleness, trace, scale tables and history, and who looks on. What workers, their spiller and the coordinator do for
// a run on threads happens here between two gradients, at known moments: the same gradients give the same bytes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/staleness/tau_counts.h"
#include "asap/step/adaptation.h"
#include "asap/train/trainer.h"

namespace asap {

/// What a ledger must know of its run besides the options.
struct LedgerScope {
  std::uint64_t num_samples = 1;
  std::size_t most_workers = 1;                           ///< at any time
  std::optional<std::uint64_t> row_every = std::nullopt;  ///< published updates; nothing: a row of the history an epoch
};

/// Of one run, or of its next part behind a checkpoint (TrainOptions::resume). One thread.
class Ledger final : public LiveRun {
 public:
  using Parameters = std::function<const float*()>;

  /// `parameters` gives the present ones, when the run is going on.
  Ledger(const TrainOptions& options, const LedgerScope& scope, std::span<const float> start, Parameters parameters,
         Observer& observer);

  // For engines.

  void set_seconds(double seconds) { seconds_ = seconds; }
  bool goes() const { return goes_; }
  void diverge();
  bool has_diverged() const { return report_.status == Status::diverged; }

  /// The step of the update that replaces this version with a gradient of this staleness.
  Step step(Tau tau, Version replaced) { return {options_.rate(replaced), adaptation_.scale(tau), replaced}; }

  /// There are so many workers from now on.
  void resize(std::size_t workers) { adaptation_.resize(workers, counts_.published); }

  /// A gradient of so many samples with this mean loss, and what became of it.
  void record(std::size_t worker, std::uint64_t batch, const Receipt& receipt, std::size_t samples, double loss);

  /// Gives the trace's sink all records so far.
  void flush_trace();

  /// What of it belongs into a checkpoint: all but the state and the batches.
  Checkpoint checkpoint() const;

  /// The validation of a row, where it is evaluated elsewhere.
  void set_validation(std::size_t row, const Metrics& metrics) { report_.history.at(row).validation = metrics; }

  /// The rest of the history, the result in theta, the report.
  Report finish(std::span<float> theta);

  /// After a failure: the present parameters if finite, else the last that were.
  void keep_finite(std::span<float> theta);

  double seconds() const override { return seconds_; }
  double epoch() const override { return epochs(counts_.gradients); }
  Counts counts() const override { return counts_; }
  Distribution staleness() const override { return staleness_.all(); }
  Version snapshot(std::span<float> theta) override;
  void request_stop(Status status) override;

 private:
  void go_on_from(const Checkpoint& before);
  void trace(std::size_t worker, std::uint64_t batch, const Receipt& receipt);
  void sample(const Receipt& receipt);
  bool ends_row(const Receipt& receipt) const;
  void add_row();
  std::optional<Metrics> validate();
  bool probe();
  bool poll();
  double epochs(std::uint64_t gradients) const;

  const TrainOptions& options_;
  const std::optional<std::uint64_t> row_every_;
  const std::size_t num_parameters_;
  const std::uint64_t batches_per_epoch_;
  Parameters parameters_;
  Observer& observer_;

  double seconds_ = 0;
  bool goes_ = true, interrupted_ = false;
  Adaptation adaptation_;
  Counts counts_, last_row_;
  TeamTauCounts staleness_, rejections_;
  TauCounts sampled_;
  std::uint64_t sample_progress_ = 0;
  std::vector<TraceRecord> traced_;  // not yet given to the sink
  std::uint64_t num_traced_ = 0;
  AlignedBuffer<float> last_finite_;
  Version last_finite_version_ = 0;
  std::unique_ptr<Workspace> validation_workspace_;
  std::chrono::steady_clock::time_point next_tick_;
  Report report_;
};

}  // namespace asap
