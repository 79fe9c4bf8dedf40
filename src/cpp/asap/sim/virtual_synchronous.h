// Synchronous SGD in virtual time.
#pragma once

#include <algorithm>
#include <vector>

#include "asap/sim/virtual_engine.h"
#include "asap/sim/virtual_team.h"

namespace asap::sim {

/// Rounds: all read the same version, the slowest gradient ends the computation, one publication ends the round.
class VirtualSynchronous final : public VirtualEngine<VirtualTeam> {
 public:
  VirtualSynchronous(Scene& scene, VirtualTeam& team, std::optional<std::uint64_t> updates)
      : VirtualEngine(scene, team), updates_(updates) {}

  void start() override { open_round(); }

  void handle(const Event& event) override {
    if (event.what == What::computed) {
      for (const std::size_t worker : round_) team_.computed(worker);
      scene_.after(scene_.publish.next(event.worker), What::published, event.worker);
    } else {
      team_.publish_round(round_);
      open_round();
    }
  }

  /// From the next round on.
  void resize(std::size_t workers) override { team_.resize(workers); }

 private:
  void open_round() {
    round_.clear();
    if (updates_ && team_.version() >= *updates_) return;
    double slowest = 0;
    for (std::size_t worker = 0; worker < team_.size(); ++worker) {
      if (!team_.read(worker)) break;
      round_.push_back(worker);
      slowest = std::max(slowest, scene_.compute.next(worker));
    }
    if (!round_.empty()) scene_.after(slowest, What::computed, round_.front());
  }

  const std::optional<std::uint64_t> updates_;
  std::vector<std::size_t> round_;
};

}  // namespace asap::sim
