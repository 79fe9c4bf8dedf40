// Hogwild! in virtual time.
#pragma once

#include <vector>

#include "asap/sim/block_team.h"
#include "asap/sim/virtual_engine.h"

namespace asap::sim {

/// A publication takes its number when the gradient is done and then writes block after block, evenly over the time of
/// one publication; others that are in progress write theirs in between. With copies a view is what is there, half
/// written or not, when the worker's publication before ends; in place it is read block after block, evenly over the
/// time of its gradient. Not modelled: that two threads may update the same component at the same time, and lose one
/// update.
class VirtualHogwild final : public VirtualEngine<BlockTeam> {
 public:
  VirtualHogwild(Scene& scene, BlockTeam& team, bool copies, std::size_t workers)
      : VirtualEngine(scene, team), copies_(copies), progress_(workers) {}

  void handle(const Event& event) override {
    const std::size_t worker = event.worker;
    if (event.what == What::looked) {
      team_.look(worker, progress_[worker].blocks);
      look_at_next(worker);
    } else if (event.what == What::computed) {
      publish(worker);
    } else {
      write(worker);
    }
  }

 private:
  /// How far a worker is: blocks looked at while it computes, written while it publishes.
  struct Progress {
    std::size_t blocks = 0;
    double seconds_per_block = 0;
  };

  void begin(std::size_t worker) override {
    if (!team_.read(worker)) return;
    const double seconds = scene_.compute.next(worker);
    progress_[worker] = {0, seconds / static_cast<double>(team_.num_blocks())};
    if (!copies_) look_at_next(worker);
    scene_.after(seconds, What::computed, worker);
  }

  void look_at_next(std::size_t worker) {
    Progress& progress = progress_[worker];
    if (++progress.blocks < team_.num_blocks()) scene_.after(progress.seconds_per_block, What::looked, worker);
  }

  void publish(std::size_t worker) {
    team_.computed(worker);
    if (!team_.publish(worker)) return begin(worker);
    const double seconds = scene_.publish.next(worker);
    progress_[worker] = {0, seconds / static_cast<double>(team_.num_blocks())};
    if (seconds > 0.0) return scene_.after(progress_[worker].seconds_per_block, What::written, worker);
    while (write_next(worker)) {
    }
  }

  void write(std::size_t worker) {
    if (write_next(worker)) scene_.after(progress_[worker].seconds_per_block, What::written, worker);
  }

  /// Returns whether there are more.
  bool write_next(std::size_t worker) {
    team_.write(worker, progress_[worker].blocks);
    if (++progress_[worker].blocks < team_.num_blocks()) return true;
    team_.end(worker);
    begin(worker);
    return false;
  }

  const bool copies_;
  std::vector<Progress> progress_;
};

}  // namespace asap::sim
