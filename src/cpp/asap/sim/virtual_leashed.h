// Leashed-SGD in virtual time.
#pragma once

#include "asap/sim/virtual_engine.h"
#include "asap/sim/virtual_team.h"

namespace asap::sim {

/// An attempt copies and updates the version that it finds, which takes the time of one publication; it succeeds if
/// nobody has published meanwhile, else it begins anew on the version that is there then, `persistence` times at most.
/// A rejected gradient makes no attempt. Where publications take no time, nobody ever comes second. Not modelled: that
/// the threads' attempts take turns (store/turn.h), which makes fewer in vain.
class VirtualLeashed final : public VirtualEngine<VirtualTeam> {
 public:
  VirtualLeashed(Scene& scene, VirtualTeam& team, std::uint64_t persistence)
      : VirtualEngine(scene, team), persistence_(persistence) {}

  void handle(const Event& event) override {
    if (event.what == What::computed) {
      team_.computed(event.worker);
      attempt(event.worker);
    } else if (team_.is_current(event.worker)) {
      publish(event.worker);
    } else if (team_.fail(event.worker) <= persistence_) {
      attempt(event.worker);
    } else {
      team_.drop(event.worker);
      begin(event.worker);
    }
  }

 private:
  void attempt(std::size_t worker) {
    if (!team_.prepare(worker)) return publish(worker);  // rejected
    const double seconds = scene_.publish.next(worker);
    if (seconds > 0.0) return scene_.after(seconds, What::published, worker);
    publish(worker);
  }

  void publish(std::size_t worker) {
    team_.publish(worker);
    begin(worker);
  }

  const std::uint64_t persistence_;
};

}  // namespace asap::sim
