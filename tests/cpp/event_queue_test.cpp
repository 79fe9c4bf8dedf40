// What workers tell the coordinator arrives in order, and what finds no room is refused.
#include "asap/train/event_queue.h"

#include "check.h"

using namespace asap;

TEST(events_come_in_the_order_in_which_they_were_posted_and_a_full_queue_takes_no_more) {
  EventQueue queue;
  std::uint64_t posted = 0;
  const auto post = [&] {
    const bool had_room = queue.post({.kind = Event::Kind::epoch_end, .gradients = posted});
    posted += had_room ? 1 : 0;
    return had_room;
  };
  while (post()) {
  }
  const std::uint64_t capacity = posted;
  CHECK(capacity > 0);
  for (std::uint64_t taken = 0; taken < 3 * capacity; ++taken) {  // around the queue three times
    bool filled = false;
    CHECK(!queue.post_with([&](Event&) { filled = true; }));
    CHECK(!filled);
    const auto event = queue.wait_for({});
    CHECK(event && event->gradients == taken);
    CHECK(post());
  }
  for (std::uint64_t taken = 3 * capacity; taken < posted; ++taken) CHECK(queue.wait_for({})->gradients == taken);
  CHECK(!queue.wait_for({}));
}
