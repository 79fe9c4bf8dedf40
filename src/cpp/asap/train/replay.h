// Replay: the published updates of a traced run once more, one after the other on one thread.
//
//   asap::TraceMemory trace;                                        // or a TraceFile
//   options.trace = &trace;
//   asap::train(objective, theta, options);
//   asap::replay(objective, start, options, trace.records);         // start becomes theta
//
// The state after update v is a function of the state before it, of one gradient (a round's mean), and of the step. The
// trace says on which version each gradient was computed and with which C it was applied; the batch number says on
// which samples, the rate schedule at that version gives η. Where views are consistent (sequential, synchronous,
// lock-based, Leashed-SGD) the result has the same bits, given the same objective, options and instruction set: a run
// whose engine lost an update, applied one twice or tore a view differs from its replay. A Hogwild! run has no such
// order: its replay is one of the consistent runs near it.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "asap/trace/record.h"
#include "asap/train/trainer.h"

namespace asap {

/// Whether a run of this engine and its replay must have the same bits.
bool replays_exactly(const engine::Engine& engine);

/// What to replay of a run, and from where.
struct ReplayRange {
  Version first = 0;                      ///< the version the run began at
  std::span<float> velocity = {};         ///< and its velocity there (num_parameters() floats); empty: 0
  std::span<float> movement = {};         ///< likewise the average movement, where the correction keeps one
  std::optional<Version> last = {};       ///< up to this version (Report::version); by default all updates
  std::function<bool()> go_on = nullptr;  ///< asked after every update; the replay ends when it says no
};

struct ReplayReport {
  std::uint64_t updates = 0;             ///< replayed
  std::size_t gradients_high_water = 0;  ///< held at the same time, at most
};

/// theta: where the run began in, where it ended out; velocity and movement likewise. Memory: one state, at most one
/// gradient per worker (softsync: c − 1 more) and, where a correction needs it, what it was computed on; 16 bytes per
/// record. Throws std::invalid_argument for a trace that is no possible history (trace/check.h).
ReplayReport replay(const Objective& objective, std::span<float> theta, const TrainOptions& options,
                    std::span<const TraceRecord> records, const ReplayRange& range = {});

}  // namespace asap
