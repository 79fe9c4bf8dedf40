// What a run was: its history and its counts, exact after the join.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "asap/core/types.h"
#include "asap/model/objective.h"
#include "asap/staleness/distribution.h"
#include "asap/step/table_log.h"

namespace asap {

/// How a run ended.
enum class Status { completed, stopped, interrupted, diverged };

/// Counts over all workers. gradients = published + merged + gathered + dropped + rejected + skipped.
struct Counts {
  std::uint64_t gradients = 0;  ///< batches worked on to the end
  std::uint64_t published = 0;  ///< updates of the shared parameters
  std::uint64_t merged = 0;     ///< gradients that went into a round's update published on behalf of all (synchronous)
  std::uint64_t gathered = 0;   ///< gradients, each with its τ and C, for an update that another completed (softsync)
  std::uint64_t dropped = 0;    ///< gradients given up after the persistence bound
  std::uint64_t rejected = 0;   ///< gradients with C(τ) = 0
  std::uint64_t skipped = 0;    ///< gradients that were not finite (OnNonfinite::skip)
  std::uint64_t attempts = 0;   ///< tries to publish, successful or not
  std::uint64_t samples = 0;    ///< samples in all gradients but the skipped ones
  std::uint64_t tau_sum = 0;    ///< Σ τ over published and gathered gradients
  double loss_sum = 0;          ///< Σ batch loss · batch size
  double step_sum = 0;          ///< Σ η·C(τ) over published, gathered and rejected gradients

  std::uint64_t scaled() const { return published + gathered; }  ///< gradients applied with a scale of their own
  /// Mean of η·C(τ): the effective step E[C]·η. 0 without gradients.
  double effective_step() const {
    const auto steps = static_cast<double>(scaled() + rejected);
    return steps > 0 ? step_sum / steps : 0.0;
  }
  /// Mean τ of the gradients applied with a scale of their own. 0 without any.
  double mean_tau() const { return scaled() ? static_cast<double>(tau_sum) / static_cast<double>(scaled()) : 0.0; }
  double training_loss() const { return samples ? loss_sum / static_cast<double>(samples) : 0.0; }

  Counts& operator+=(const Counts& other) {
    gradients += other.gradients;
    published += other.published;
    merged += other.merged;
    gathered += other.gathered;
    dropped += other.dropped;
    rejected += other.rejected;
    skipped += other.skipped;
    attempts += other.attempts;
    samples += other.samples;
    tau_sum += other.tau_sum;
    loss_sum += other.loss_sum;
    step_sum += other.step_sum;
    return *this;
  }
  Counts& operator-=(const Counts& earlier) {
    gradients -= earlier.gradients;
    published -= earlier.published;
    merged -= earlier.merged;
    gathered -= earlier.gathered;
    dropped -= earlier.dropped;
    rejected -= earlier.rejected;
    skipped -= earlier.skipped;
    attempts -= earlier.attempts;
    samples -= earlier.samples;
    tau_sum -= earlier.tau_sum;
    loss_sum -= earlier.loss_sum;
    step_sum -= earlier.step_sum;
    return *this;
  }
};

/// One row of the history: the end of an epoch (or of the run), with the counts since the row before. Where epochs are
/// so short that a worker announces the end of one after the end of the next, the two share a row.
struct EpochRecord {
  double epoch = 0;                   ///< epochs of data worked on so far; a fraction when the run ended within one
  std::uint64_t updates = 0;          ///< published so far
  double seconds = 0;                 ///< since the workers started
  Counts since_last;                  ///< whole updates: the identity of Counts holds in every row
  std::optional<Metrics> validation;  ///< on a snapshot taken by the worker who ended the epoch; none when the one
                                      ///< before was still being evaluated
};

/// Where a run's workers and shared vectors were.
struct PlacementReport {
  std::vector<std::size_t> cpus;   ///< each worker's, as asked for; empty with Affinity::none
  std::vector<std::size_t> nodes;  ///< NUMA nodes that the shared vectors were interleaved over; empty: not at all
  std::size_t unpinned = 0;        ///< workers that the system refused to bind to their CPU, and ran unbound
  std::error_code pin_error = {};  ///< its reason
  std::error_code interleave_error = {};  ///< why the shared vectors were not interleaved, where that was refused
};

/// How a run was traced.
struct TraceReport {
  std::uint64_t records = 0;
  std::uint64_t stalls = 0;  ///< times a worker waited because its blocks were not yet written
};

struct Report {
  Status status = Status::completed;
  Version version = 0;  ///< of the parameters that are returned; below counts.published after a divergence
  double seconds = 0;   ///< first worker's start to the last one's end, evaluation not counted after it
  Counts counts;
  std::vector<EpochRecord> history;
  std::vector<Distribution> staleness;   ///< of published updates and gathered gradients, per worker
  std::vector<Distribution> rejections;  ///< of rejected ones, per worker
  TableLog tables;
  std::size_t vectors_high_water = 0;  ///< parameter vectors alive at the same time, at most (gradients not counted)
  std::uint64_t pool_rescans = 0;      ///< times a search for a free vector, overtaken by others, started over
  PlacementReport placement;
  std::optional<TraceReport> trace;  ///< nothing when the run was not traced
};

}  // namespace asap
