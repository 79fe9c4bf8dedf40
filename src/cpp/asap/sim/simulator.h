// The simulator: a run in virtual time, with real gradients, on the calling thread. Laws say how long gradients and
// publications take, discrete events who reads and publishes when; batches, policies, update arithmetic, trace and
// report are those of train().
//
//   std::vector<float> theta = ...;                            // start in, result out
//   auto [report, ...] = asap::simulate(objective, theta, {.train = {.workers = 10'000, ...},
//                                                          .compute = asap::law::log_normal(1.0, 0.3)});
//
// Everything is a function of objective, parameters, options and instruction set: the same seed gives the same bytes.
// With one worker, and with any number of the synchronous engine, the parameters have the bits of train(). Memory: one
// vector for each version that somebody still looks at (one per worker at most), one gradient. Thread-safety: several
// calls may run at the same time, each with parameters of its own.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "asap/sim/law.h"
#include "asap/train/trainer.h"

namespace asap {

/// So many workers from this moment on.
struct TeamSize {
  double seconds = 0;
  std::size_t workers = 1;
};

struct SimulationOptions {
  /// As for train(); `workers` are those at the beginning, `seconds` virtual. A run ends at its limits, or at once when
  /// it is stopped: gradients on their way are given up then. Neither bound to CPUs nor resumed, and no checkpoints.
  TrainOptions train;

  Law compute = law::log_normal(1.0, 0.3);  ///< from a worker's read to the end of its gradient
  Law publish = law::constant(0.0);         ///< one attempt to publish

  /// Later numbers of workers, in the order of time. Who is too much ends after its current update; who comes (back)
  /// begins at that moment. A policy with m in its formula has a table for each of them, from that moment on; lengths
  /// of samples, in updates per worker, are those of the first number.
  std::vector<TeamSize> team = {};

  /// A row of the history, with its validation, after so many published updates instead of after each epoch.
  std::optional<std::uint64_t> row_every = std::nullopt;

  std::uint64_t memory_limit = std::numeric_limits<std::uint64_t>::max();  ///< bytes of vectors and gradients
};

/// What a simulated run was. Seconds are virtual.
struct SimulationReport {
  Report report;
  double compute_seconds = 0;  ///< T_c, mean of what was drawn
  double publish_seconds = 0;  ///< T_u, likewise
  double publishing = 0;       ///< workers between gradient and publication, mean over time
};

/// Throws std::invalid_argument for options that do not fit, whatever the objective: the options of train() included.
void check(const SimulationOptions& options);

/// Likewise when so many parameters may need more than the limit.
void check_memory(const SimulationOptions& options, std::size_t num_parameters);

/// The largest number of workers at any time.
std::size_t most_workers(const SimulationOptions& options);

/// Bytes of parameters and gradients that such a simulation may need at most.
std::uint64_t simulation_bytes(const SimulationOptions& options, std::size_t num_parameters);

/// Simulates from the parameters in theta and leaves the result there; when the run diverged, the last of the
/// parameters kept now and then whose values were all finite. Throws std::invalid_argument for options that do not fit,
/// as check() and check_memory() do, and passes on exceptions as train() does.
SimulationReport simulate(const Objective& objective, std::span<float> theta, const SimulationOptions& options,
                          Observer& observer);
SimulationReport simulate(const Objective& objective, std::span<float> theta, const SimulationOptions& options);

}  // namespace asap
