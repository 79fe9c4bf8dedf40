#include <memory>

#include "asap/store/round_barrier.h"
#include "programs.h"

namespace programs {
namespace {

using schedule::require;

struct BarrierInUse {
  BarrierInUse(std::size_t the_members, bool wait_awake) : members(the_members), barrier(the_members, wait_awake) {}

  std::size_t members;
  asap::RoundBarrier barrier;
  std::size_t waiting = 0;
  std::uint64_t completed = 0;
};

void complete(BarrierInUse& shared) {
  require(shared.waiting == shared.members, "a round was completed before all had come");
  shared.waiting = 0;
  schedule::yield();
  schedule::writes(&shared.completed);
  ++shared.completed;
}

void meet(BarrierInUse& shared, std::uint64_t rounds) {
  for (std::uint64_t round = 1; round <= rounds; ++round) {
    ++shared.waiting;
    shared.barrier.arrive([&shared] { complete(shared); });
    schedule::reads(&shared.completed);
    require(shared.completed == round, "a round went on before it was completed");
  }
  --shared.members;
  shared.barrier.leave([&shared] { complete(shared); });
}

}  // namespace

schedule::Program round_barrier(std::size_t members, std::uint64_t rounds, bool wait_awake) {
  const auto shared = std::make_shared<BarrierInUse>(members, wait_awake);
  schedule::Program program;
  for (std::size_t i = 0; i < members; ++i)
    program.threads.push_back([shared, rounds, i] { meet(*shared, i == 0 ? rounds - 1 : rounds); });
  program.at_rest = [shared, rounds] { require(shared->completed == rounds, "a round was never completed"); };
  return program;
}

}  // namespace programs
