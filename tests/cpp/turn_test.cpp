// Turns are advice: they are taken when free, waited for when not, and never for ever.
#include "asap/store/turn.h"

#include <thread>
#include <vector>

#include "check.h"

using asap::Turn;

TEST(a_free_turn_is_taken_and_given_back) {
  Turn turn;
  Turn::Ticket first(0), second(1);
  turn.take(first);
  turn.give_back(first);
  turn.take(second);
  CHECK_EQUAL(second.ignored, 0u);  // it did not have to wait for anybody
}

TEST(nobody_waits_for_ever_and_nobody_twice_for_the_same_turn) {
  Turn turn;
  Turn::Ticket interrupted(0), other(1);
  turn.take(interrupted);
  turn.take(other);  // ends, although the turn is never given back
  CHECK_EQUAL(other.ignored, interrupted.stamp);
  turn.give_back(other);  // what was not taken is not given back: the third must wait, too
  Turn::Ticket third(2);
  turn.take(third);
  CHECK_EQUAL(third.ignored, interrupted.stamp);
}

TEST(a_late_return_does_not_end_the_turn_of_another) {
  Turn turn;
  Turn::Ticket first(0), second(1), third(2);
  turn.take(first);
  const Turn::Ticket late = first;
  turn.give_back(first);
  turn.take(second);
  turn.give_back(late);
  turn.take(third);
  CHECK_EQUAL(third.ignored, second.stamp);
}

TEST(every_turn_of_many_threads_ends) {
  Turn turn;
  std::vector<std::thread> threads;
  for (std::size_t worker = 0; worker < 8; ++worker)
    threads.emplace_back([&turn, worker] {
      Turn::Ticket ticket(worker);
      for (int i = 0; i < 1000; ++i) {
        turn.take(ticket);
        turn.give_back(ticket);
      }
    });
  for (auto& thread : threads) thread.join();
  Turn::Ticket last(8);
  turn.take(last);
  CHECK_EQUAL(last.ignored, 0u);  // nobody left a turn behind
}
