// n-softsync: how stale m workers make each other's gradients, on threads that the system schedules as it likes.
#include <barrier>
#include <mutex>
#include <thread>
#include <vector>

#include "asap/store/softsync.h"
#include "check.h"

namespace {

using namespace asap;

constexpr std::size_t kWorkers = 4;
constexpr std::size_t kGradients = 600;

/// What came of a crowd's gradients.
struct Staleness {
  std::uint64_t brought = 0;    // gradients
  std::uint64_t tau_sum = 0;    // of these
  std::uint64_t in_flight = 0;  // likewise of those that were never brought, up to the last update
  Version updates = 0;
};

/// Workers without a pause: each reads again before anybody else brings a gradient. `c` gradients make an update.
Staleness crowd(std::size_t c) {
  const Rate rate = Rate::constant(0.1);
  const ScaleTable table({1.0});
  const StepRule rule(rate, table);
  SoftsyncStore store(StateLayout(8), kWorkers, std::vector<float>(8, 0.0f), c);
  Staleness found;
  std::mutex turn;  // guards found, and makes one piece of bringing a gradient and reading again
  std::barrier all_have_read(kWorkers);
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < kWorkers; ++w)
    threads.emplace_back([&, w] {
      auto handle = store.handle(w);
      Version read = store.read(handle).version;
      all_have_read.arrive_and_wait();
      for (;;) {
        std::fill_n(handle.gradient.data(), 8, 1.0f);
        const std::lock_guard lock(turn);
        if (found.brought == kGradients) {
          found.in_flight += found.updates - read;
          return;
        }
        store.prepare(handle, rule);
        const Receipt receipt = store.commit(handle);
        ++found.brought;
        found.tau_sum += receipt.tau();
        if (receipt.outcome == Outcome::published) ++found.updates;
        read = store.read(handle).version;
      }
    });
  for (std::thread& thread : threads) thread.join();
  return found;
}

}  // namespace

// τ of a gradient counts the updates between its read and its turn. Σ τ therefore counts at each update the gradients
// of others that are in flight, which are m − 1 when no worker is ever without one: with an update for every c
// gradients that is a mean of (m − 1)/c, in whatever order the workers come.
TEST(every_update_of_softsync_makes_the_gradients_of_all_others_one_staler) {
  for (const std::size_t c : {1u, 2u, 3u, 4u}) {
    const Staleness found = crowd(c);
    CHECK_EQUAL(found.brought, kGradients);
    CHECK_EQUAL(found.updates, kGradients / c);
    CHECK_EQUAL(found.tau_sum + found.in_flight, (kWorkers - 1) * found.updates);
  }
}
