// A parameter server: the shared parameters of learners that are elsewhere, on other machines perhaps, and bring
// gradients when they have them. Who carries what from where to where is the caller's business:
//
//   asap::server::ParameterServer server(num_samples, theta, options, most_workers, observer);
//   auto batch = server.take(w);                                  // for a learner, and server.parameters() as they are
//   ... loss and gradient of that batch, computed somewhere ...
//   server.receive({.batch = *batch, .worker = w, .read = version, .loss = loss, .gradient = gradient});
//   ... until server.is_over()
//   asap::Report report = server.finish(theta);
//
// Batches, policies, update arithmetic, trace, checkpoints and report are those of train(): a traced run can be
// replayed, and with the synchronous engine, or one learner, the parameters have the bits of a run on threads.
//
// Parameters may be too many for one machine, or its network. Then each shard of them has a server, which counts
// versions and staleness of its own. One of them leads: it hands out the batches. A gradient comes to all others before
// it comes to the lead; so whatever the lead has, all have, and a batch that it hands out again they refuse where they
// have it:
//
//   shard.hold(w, *batch);                                        // w reads shard.parameters() for that batch
//   shard.receive({..., .read = version of the shard, .gradient = that part of it});
//   lead.receive(...);
//   shard.follow(lead.rounds());                                  // before anybody reads again
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/data/batch_source.h"
#include "asap/server/batch_queue.h"
#include "asap/server/delivery.h"
#include "asap/server/gathering.h"
#include "asap/server/round.h"
#include "asap/train/checkpoint_plan.h"
#include "asap/train/clock.h"
#include "asap/train/ledger.h"

namespace asap::server {

/// Who hands out batches, and ends rounds.
enum class Role { lead, shard };

/// n-softsync (with n = m every gradient is an update: Downpour SGD) or synchronous SGD. Each batch counts once,
/// whoever brings its gradient, and whatever is lost, repeated or late. Staleness is exact: there is one counter of
/// versions, and every gradient carries the one that it was computed on.
///
/// Runs end by `updates` as soon as so many are published, with gradients on their way; by `epochs` when all their
/// batches have come. Thread-safety: one thread. Memory: one state, its parameters once more, and the gradients that
/// wait for others.
class ParameterServer {
 public:
  /// From theta, or from where options.resume was. `most_workers`: at any time. A server of a shard gets its part of
  /// theta. The observer gets rows and snapshots during the call of receive() that
  /// completes them. Throws std::invalid_argument for options that do not fit.
  ParameterServer(std::uint64_t num_samples, std::span<const float> theta, const TrainOptions& options,
                  std::size_t most_workers, Observer& observer, Role role = Role::lead);

  /// A batch to compute the gradient of, on parameters() as they are now. Nothing: the run is over, all batches are
  /// with somebody, or all of a round.
  std::optional<std::uint64_t> take(std::size_t worker);

  /// The worker is lost: somebody else gets its batch, and what still comes of it is refused.
  void lose(std::size_t worker);

  /// For a shard: the worker has a batch that the lead handed out.
  void hold(std::size_t worker, std::uint64_t batch);

  /// For a shard: the lead has ended so many rounds. Its own last one ends here, so that it is never ahead of the lead,
  /// where a batch of that round may have to be handed out again. To be called before it is stopped itself: then none
  /// ends any more.
  void follow(std::uint64_t rounds);

  /// Takes a gradient. False, and nothing happens: the worker does not have that batch, or got it after it had read
  /// that version, as somebody who was lost and is late; its gradient came before; or the run is over. Throws
  /// std::invalid_argument for a worker or a version that there cannot be.
  bool receive(const Delivery& delivery);

  /// Another number of workers, from the next round or update on; in the formula of a policy from now on.
  void resize(std::size_t workers);

  bool has(std::uint64_t batch) const { return queue_.has(batch); }  ///< its gradient came
  bool is_over() const;                                              ///< no gradient is taken any more
  void request_stop(Status status) { ledger_.request_stop(status); }

  std::size_t num_parameters() const { return layout_.parameters(); }
  const float* parameters() const { return state_.data(); }
  std::uint64_t rounds() const { return rounds_; }             ///< that ended since it was made
  bool is_gathering() const { return gathering_.size() > 0; }  ///< in the middle of an update of several gradients
  Version version() const { return ledger_.counts().published; }
  std::size_t workers() const { return workers_; }
  const Ledger& ledger() const { return ledger_; }
  void set_validation(std::size_t row, const Metrics& metrics) { ledger_.set_validation(row, metrics); }

  /// Whether a checkpoint is to be made now; never in the middle of a round or an update.
  bool is_checkpoint_due() const;

  /// All that a server needs to go on from here, where the open batches will be handed out again; the trace has all
  /// records up to it. Nothing when the state is not finite, which ends the run. Shards are saved behind their lead; of
  /// a run in rounds, which must be the same for all, the lead hands out and takes nothing between.
  std::optional<Checkpoint> checkpoint();

  /// The result in theta: as train() leaves it.
  Report finish(std::span<float> theta);

 private:
  bool works_in_rounds() const { return std::holds_alternative<engine::Synchronous>(options_.engine); }
  void begin();
  void check(std::size_t worker) const;
  bool is_finite(const Delivery& delivery) const;
  void skip(const Delivery& delivery);
  void apply(const Delivery& delivery);
  void complete(Receipt& receipt, const Delivery& delivery);
  void open_round();
  void close_round();
  void record(const Delivery& delivery, const Receipt& receipt);
  double progress() const;

  const TrainOptions options_;
  const BatchSource batches_;  // how many samples their numbers stand for
  const StateLayout layout_;
  const std::size_t most_workers_;
  const Role role_;
  const std::uint64_t max_skips_;  // in a row, of gradients that are not finite
  std::size_t workers_;
  AlignedBuffer<float> state_;
  bool has_begun_ = false;
  Clock clock_;  // from when the first batch is taken
  Ledger ledger_;
  BatchQueue queue_;
  Gathering gathering_;  // softsync
  Round round_;          // synchronous
  std::uint64_t rounds_ = 0;
  std::optional<CheckpointPlan> checkpoints_;
  /// A batch that a worker has, and the oldest parameters that it can have read for it.
  struct Held {
    std::uint64_t batch = 0;
    Version version = 0;
  };
  std::vector<std::optional<Held>> held_;  // of each worker
  std::vector<std::uint64_t> skipped_in_a_row_;
};

}  // namespace asap::server
