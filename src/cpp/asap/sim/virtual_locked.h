// Lock-based AsyncSGD in virtual time; with one worker it is sequential SGD.
#pragma once

#include <queue>

#include "asap/sim/virtual_engine.h"
#include "asap/sim/virtual_team.h"

namespace asap::sim {

/// Publications take turns at a lock, first come first served; each holds it for the time of one publication. Reading
/// takes no time of its own: who publishes has read the new version by then.
class VirtualLocked : public VirtualEngine<VirtualTeam> {
 public:
  using VirtualEngine::VirtualEngine;

  void handle(const Event& event) final {
    if (event.what == What::computed) {
      team_.computed(event.worker);
      waiting_.push(event.worker);
      if (waiting_.size() == 1) take_lock();
    } else {
      team_.prepare(event.worker);
      publish(event.worker);
      waiting_.pop();
      if (!waiting_.empty()) take_lock();
      begin(event.worker);
    }
  }

 private:
  /// With the lock.
  virtual void publish(std::size_t worker) { team_.publish(worker); }

  void take_lock() {
    const std::size_t holder = waiting_.front();
    scene_.after(scene_.publish.next(holder), What::published, holder);
  }

  std::queue<std::size_t> waiting_;  // the first one holds the lock
};

}  // namespace asap::sim
