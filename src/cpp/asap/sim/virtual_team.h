// Workers who each look at a whole version of the parameters, which stays as it is while they do.
#pragma once

#include <vector>

#include "asap/sim/shared_blocks.h"
#include "asap/sim/virtual_workers.h"
#include "asap/store/gathered_mean.h"

namespace asap::sim {

/// Engines call `read`, some time later `computed` and `prepare`, then one of `publish` and `drop`. The gradient is
/// computed in the last one: one vector for each version that is looked at, and one gradient. One thread.
class VirtualTeam final : public VirtualWorkers {
 public:
  VirtualTeam(const Objective& objective, const SimulationOptions& options, std::span<const float> theta,
              Ledger& ledger);

  /// Takes the next batch and looks at the present version; see take().
  bool read(std::size_t worker);

  /// Looks at the present version, for a batch of this number.
  void read(std::size_t worker, std::uint64_t batch);

  /// Settles τ and C(τ) for the present version; returns whether C accepts.
  bool prepare(std::size_t worker);

  /// Whether that version is still the present one.
  bool is_current(std::size_t worker) const { return tasks_[worker].receipt.replaced == version_; }

  /// One more attempt in vain: somebody else was faster. Returns their number.
  std::uint64_t fail(std::size_t worker) { return ++tasks_[worker].receipt.attempts; }

  /// Replaces that version, unless C rejected.
  void publish(std::size_t worker);

  /// Puts the gradient, unless C rejected it, to those that came since the update before; with the last of so many the
  /// present version is replaced by their mean (softsync).
  void gather(std::size_t worker, std::size_t gradients);

  /// Gives the gradient up.
  void drop(std::size_t worker);

  /// Replaces the present version, which all of these have read, by the mean of their gradients (synchronous).
  void publish_round(std::vector<std::size_t> workers);

  Version version() const { return version_; }
  const float* parameters() const { return theta_.current(0); }
  std::size_t high_water() const { return theta_.high_water(); }  ///< vectors alive at the same time, at most

 private:
  Computed differentiate(std::size_t worker);
  void advance(const ScaledGradient& update);
  void leave_gradient();
  void complete(Receipt& receipt);
  std::vector<Computed> average_round(std::vector<std::size_t>& workers);
  bool add_to_mean(std::vector<std::size_t>& workers, std::vector<Computed>& computed);

  SharedBlocks theta_;  // one block
  Version version_ = 0;
  std::vector<SharedBlocks::Slot> views_;
  AlignedBuffer<float> gradient_, mean_;       // the mean of a round, where there are rounds
  std::vector<GatheredPart> parts_;            // of the update in the making, in the order of its sum
  std::vector<AlignedBuffer<float>> waiting_;  // the gradients of these; the rest is memory to swap
};

}  // namespace asap::sim
