// The lock-free parts of the core under thousands of interleavings, each made by a seed (scheduler.h), and the checks
// themselves: where an ordering of the pool is weakened, or a promise to it broken, the search finds it.
#include <iostream>
#include <limits>

#include "../check.h"
#include "programs.h"

namespace {

using schedule::Program, schedule::Result, schedule::Strategy;

constexpr std::uint64_t kUnbounded = std::numeric_limits<std::uint64_t>::max();

/// Half of the schedules by each strategy.
Result search(std::uint64_t schedules, const std::function<Program()>& make) {
  Result first = schedule::explore({.strategy = Strategy::walk, .schedules = schedules / 2}, make);
  if (first.found()) return first;
  Result second = schedule::explore({.strategy = Strategy::preemptions, .schedules = schedules / 2}, make);
  second.schedules += first.schedules;
  second.operations += first.operations;
  return second;
}

void holds(const char* what, std::uint64_t schedules, const std::function<Program()>& make) {
  const Result result = search(schedules, make);
  std::cout << "  " << what << ": " << result.schedules << " schedules, " << result.operations << " operations\n";
  if (result.found()) check::fail(__FILE__, __LINE__, what, ", seed ", result.seed, ": ", result.violation);
}

void finds(const char* what, std::string_view violation, std::uint64_t schedules,
           const std::function<Program()>& make) {
  const Result result = search(schedules, make);
  std::cout << "  " << what << ": found after " << result.schedules << " schedules: " << result.violation << "\n";
  if (result.violation.find(violation) == std::string::npos)
    check::fail(__FILE__, __LINE__, what, " went unseen; found: \"", result.violation, "\"");
}

}  // namespace

TEST(the_pool_keeps_its_promises_under_every_schedule_tried) {
  holds("2 workers", 4000, [] { return programs::pool({.workers = 2, .publications = 4}); });
  holds("2 workers that drop, a reader", 4000,
        [] { return programs::pool({.workers = 2, .readers = 1, .publications = 4, .drops = true}); });
  holds("3 workers, a reader", 4000, [] { return programs::pool({.workers = 3, .readers = 1, .publications = 3}); });
  holds("6 workers, 2 readers", 1000, [] { return programs::pool({.workers = 6, .readers = 2, .publications = 2}); });
}

TEST(leashed_sgd_loses_no_update_and_skips_no_version_under_every_schedule_tried) {
  holds("2 workers", 300, [] { return programs::leashed(2, 4, kUnbounded, false); });
  holds("2 workers, copies", 300, [] { return programs::leashed(2, 4, kUnbounded, true); });
  holds("3 workers, persistence 1", 300, [] { return programs::leashed(3, 3, 1, false); });
  holds("4 workers, persistence 0, copies", 300, [] { return programs::leashed(4, 3, 0, true); });
}

TEST(leashed_sgd_keeps_views_until_their_gradients_are_published_where_it_must) {
  holds("2 workers", 300, [] { return programs::leashed(2, 4, kUnbounded, false, true); });
  holds("2 workers, copies", 300, [] { return programs::leashed(2, 4, kUnbounded, true, true); });
  holds("3 workers", 300, [] { return programs::leashed(3, 4, kUnbounded, false, true); });
  holds("4 workers, persistence 1", 300, [] { return programs::leashed(4, 3, 1, false, true); });
}

TEST(hogwild_publishes_exactly_what_the_scale_accepts_under_every_schedule_tried) {
  holds("2 workers, limit 1", 1000, [] { return programs::hogwild(2, 4, 1); });
  holds("4 workers, limit 2", 1000, [] { return programs::hogwild(4, 3, 2); });
}

TEST(the_other_shared_parts_keep_theirs) {
  holds("tables, 2 workers", 2000, [] { return programs::table_switch(2, 4, 4); });
  holds("tables, 4 workers", 2000, [] { return programs::table_switch(4, 3, 5); });
  holds("barrier, 3 members awake", 2000, [] { return programs::round_barrier(3, 3, true); });
  holds("barrier, 4 members", 2000, [] { return programs::round_barrier(4, 3, false); });
  holds("batches, 3 workers", 2000, [] { return programs::batch_source(3, 7); });
  holds("pauses, 3 workers", 2000, [] { return programs::signal(3, 3, false); });
  holds("pauses, 3 workers in groups", 2000, [] { return programs::signal(3, 3, false, 2); });
  holds("pauses, 3 workers in rounds", 2000, [] { return programs::signal(3, 3, true); });
  holds("whole values, 2 readers", 2000, [] { return programs::whole_value(2, 5); });
}

TEST(broken_promises_to_the_pool_are_found) {
  finds("2m - 1 slots", "no slot was free", 4000,
        [] { return programs::pool({.workers = 2, .publications = 4, .slots = 3}); });
  finds("any slot preferred", "no slot was free", 40000,
        [] { return programs::pool({.workers = 2, .publications = 4, .prefers_anything = true}); });
}

TEST(weakened_orderings_of_the_pool_are_found) {
  struct {
    const char* number;
    const char* function;
    const char* operation;
    std::memory_order half;
  } const orderings[] = {
      {"(1)", "VectorPool::pin(", "load", std::memory_order_acquire},
      {"(4)", "VectorPool::publish(", "compare_exchange", std::memory_order_release},
      {"(5)", "VectorPool::unpin(", "fetch_sub", std::memory_order_release},
      {"(7)", "VectorPool::take(", "compare_exchange", std::memory_order_acquire},
      {"(8)", "VectorPool::release(", "fetch_sub", std::memory_order_release},
  };
  for (const auto& [number, function, operation, half] : orderings) {
    schedule::weaken(function, operation, half);
    finds(number, "race", 4000,
          [] { return programs::pool({.workers = 3, .readers = 1, .publications = 3, .drops = true}); });
  }
  schedule::strengthen();
}
