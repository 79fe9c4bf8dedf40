#include "asap/train/signal.h"

#include <chrono>
#include <memory>
#include <vector>

#include "asap/store/round_barrier.h"
#include "programs.h"

namespace programs {
namespace {

using schedule::require;

struct Paused {
  explicit Paused(std::size_t workers)
      : signal(workers), barrier(workers, false), updates(workers), at_update(workers) {}

  asap::Signal signal;
  asap::RoundBarrier barrier;
  std::vector<std::uint64_t> updates;  // each written by its worker
  std::vector<int> at_update;
  bool resting = false;
};

void update(Paused& shared, std::size_t id) {
  require(!shared.resting, "an update during a pause");
  shared.at_update[id] = 1;
  schedule::writes(&shared.updates[id]);
  ++shared.updates[id];
  schedule::yield();
  shared.at_update[id] = 0;
}

constexpr std::uint64_t kUpdates = 6;

/// As Worker::run, of engines whose workers do not wait for each other. The first one has less to do.
void work(Paused& shared, std::size_t id) {
  const auto may_begin = [&] {
    while (!shared.signal.goes())
      if (!shared.signal.wait()) return false;
    return true;
  };
  while (shared.updates[id] < (id == 0 ? kUpdates / 2 : kUpdates) && may_begin()) update(shared, id);
  shared.signal.leave();
}

/// As Worker::run, in rounds.
void work_in_rounds(Paused& shared, std::size_t id) {
  std::uint64_t round = 0;
  const auto may_begin = [&] {
    while (!shared.signal.begins(round))
      if (!shared.signal.wait()) return false;
    return true;
  };
  while (round < kUpdates && may_begin()) {
    ++round;
    update(shared, id);
    shared.signal.pass_on(round);
    shared.barrier.arrive([] {});
  }
  shared.barrier.leave([] {});
  shared.signal.leave();
}

void pause(Paused& shared) {
  shared.signal.pause();
  shared.signal.await_rest(std::chrono::seconds(1));
  if (!shared.signal.rests()) return;
  shared.resting = true;
  for (const int at : shared.at_update) require(at == 0, "an update during a pause");
  for (const std::uint64_t& count : shared.updates) schedule::reads(&count);
  schedule::yield();
  shared.resting = false;
  shared.signal.go_on();
}

}  // namespace

schedule::Program signal(std::size_t workers, std::uint64_t pauses, bool rounds) {
  const auto shared = std::make_shared<Paused>(workers);
  schedule::Program program;
  for (std::size_t id = 0; id < workers; ++id)
    program.threads.push_back([shared, id, rounds] { rounds ? work_in_rounds(*shared, id) : work(*shared, id); });
  program.threads.push_back([shared, pauses] {
    for (std::uint64_t i = 0; i < pauses; ++i) pause(*shared);
    shared->signal.stop();
  });
  program.at_rest = [shared, rounds] {
    require(shared->signal.is_over(), "a worker did not end");
    for (const std::uint64_t count : shared->updates)
      require(!rounds || count == shared->updates.front(), "somebody made a round alone");
  };
  return program;
}

}  // namespace programs
