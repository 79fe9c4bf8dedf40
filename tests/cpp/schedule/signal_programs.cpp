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
  Paused(std::size_t workers, std::uint64_t gradients)
      : signal(workers), barrier(workers, false), updates(workers), at_update(workers), group(gradients) {}

  asap::Signal signal;
  asap::RoundBarrier barrier;
  std::vector<std::uint64_t> updates;  // each written by its worker
  std::vector<int> at_update;
  const std::uint64_t group;  // so many belong together
  bool resting = false, ended = false;

  /// Whether others are missing to the last ones.
  bool has_waiting() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t& count : updates) {
      schedule::reads(&count);
      sum += count;
    }
    return sum % group != 0;
  }
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
    auto rest = asap::Signal::Rest::over;
    while (rest == asap::Signal::Rest::over && !shared.signal.goes())
      rest = shared.signal.rest([&] { return shared.has_waiting(); });
    return rest != asap::Signal::Rest::last;
  };
  while (shared.updates[id] < (id == 0 ? kUpdates / 2 : kUpdates) && may_begin()) update(shared, id);
  shared.ended = true;
  shared.signal.leave();
}

/// As Worker::run, in rounds.
void work_in_rounds(Paused& shared, std::size_t id) {
  std::uint64_t round = 0;
  const auto may_begin = [&] {
    while (!shared.signal.begins(round))
      if (shared.signal.rest([] { return false; }) == asap::Signal::Rest::last) return false;
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
  require(!shared.has_waiting() || shared.ended, "a pause before a group was complete");
  schedule::yield();
  shared.resting = false;
  shared.signal.go_on();
}

}  // namespace

schedule::Program signal(std::size_t workers, std::uint64_t pauses, bool rounds, std::uint64_t group) {
  const auto shared = std::make_shared<Paused>(workers, group);
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
