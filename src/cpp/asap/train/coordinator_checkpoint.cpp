// What the coordinator does for checkpoints: pauses and copies the run, hands the copy over, goes on from one.
#include <chrono>
#include <vector>

#include "asap/train/coordinator.h"

namespace asap {
namespace {

constexpr std::chrono::milliseconds kPatience{50};  // until the observer is called again

}  // namespace

/// What the coordinator keeps of the parts before.
void Coordinator::continue_report(const Checkpoint& before) {
  report_.seconds = before.seconds;
  report_.history = before.history;
  last_totals_ = before.last_totals;
  last_row_gradients_ = before.last_row_gradients;
  last_finite_version_ = before.version;
}

/// Nobody is at an update while the run is copied; the file is made of it while they go on.
void Coordinator::take_checkpoint() {
  run_.signal.pause();
  while (!run_.signal.await_rest(kPatience)) poll();
  if (!run_.signal.rests()) return;  // the run ends
  checkpointer_->copy();
  std::vector<Event> before;
  while (const auto event = run_.events.wait_for({})) before.push_back(*event);
  run_.signal.go_on();
  for (const Event& event : before) handle(event);
  hand_over_checkpoint();
}

void Coordinator::hand_over_checkpoint() {
  std::optional<Checkpoint> checkpoint = checkpointer_->checkpoint();
  if (!checkpoint) return run_.diverge();
  checkpoint->history = report_.history;
  checkpoint->last_totals = last_totals_;
  checkpoint->last_row_gradients = last_row_gradients_;
  observer_.on_checkpoint(*checkpoint, *this);
  check_process();
}

}  // namespace asap
