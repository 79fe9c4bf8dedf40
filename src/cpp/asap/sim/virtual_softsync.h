// n-softsync in virtual time.
#pragma once

#include "asap/sim/virtual_locked.h"

namespace asap::sim {

/// As at a lock, which every gradient holds for the time of one publication; whoever brings the c-th one since the
/// update before makes an update of them. Nobody waits for others to bring theirs.
class VirtualSoftsync final : public VirtualLocked {
 public:
  VirtualSoftsync(Scene& scene, VirtualTeam& team, std::size_t gradients)
      : VirtualLocked(scene, team), gradients_(gradients) {}

 private:
  void publish(std::size_t worker) override { team_.gather(worker, gradients_); }

  const std::size_t gradients_;  // c
};

}  // namespace asap::sim
