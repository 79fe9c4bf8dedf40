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
  CHECK(turn.holds(first));
  turn.give_back(first);
  CHECK(!turn.holds(first));
  turn.take(second);
  CHECK(turn.holds(second));
}

TEST(a_turn_that_takes_too_long_is_taken_over) {
  Turn turn;
  Turn::Ticket interrupted(0), other(1);
  turn.take(interrupted);
  turn.take(other);  // ends, although the turn is never given back
  CHECK(turn.holds(other));
  CHECK(!turn.holds(interrupted));
}

TEST(a_late_return_does_not_end_the_turn_of_another) {
  Turn turn;
  Turn::Ticket first(0), second(1);
  turn.take(first);
  const Turn::Ticket late = first;
  turn.give_back(first);
  turn.take(second);
  turn.give_back(late);
  CHECK(turn.holds(second));
  turn.take(first);  // takes over from the second
  turn.give_back(second);
  CHECK(turn.holds(first));
}

TEST(who_waits_gets_the_turn_when_it_is_given_back) {
  Turn turn;
  Turn::Ticket holder(0);
  turn.take(holder);
  std::thread waiting([&turn] {
    Turn::Ticket ticket(1);
    turn.take(ticket);
    CHECK(turn.holds(ticket));
    turn.give_back(ticket);
  });
  turn.give_back(holder);
  waiting.join();
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
        CHECK(!turn.holds(ticket));
      }
    });
  for (auto& thread : threads) thread.join();
}
