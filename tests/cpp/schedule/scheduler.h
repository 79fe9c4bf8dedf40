// Runs threads of a test as fibres of one thread, and decides from a seed who goes on at each of their shared
// operations: a seed is an interleaving, found once and repeated for ever.
//
//   schedule::Search search{.strategy = schedule::Strategy::walk, .schedules = 1000};
//   const schedule::Result result = schedule::explore(search, [] {
//     auto pool = std::make_shared<asap::VectorPool>(…);
//     return schedule::Program{.threads = {…}, .at_rest = [pool] { schedule::require(…); }};
//   });
//
// Interleavings are sequentially consistent: a load sees the latest store. What weaker orderings allow besides is
// found as a race: every atomic carries the clocks that its releases published (happens-before), and accesses to plain
// memory that a test announces must be ordered by them.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace schedule {

constexpr std::size_t kMaxThreads = 8;

/// When each thread had last done what (a vector clock).
struct Clock {
  std::uint32_t times[kMaxThreads] = {};

  void join(const Clock& other);
  bool has_seen(std::size_t thread, std::uint32_t time) const { return times[thread] >= time; }
};

enum class Strategy {
  walk,         ///< whoever, at every operation
  preemptions,  ///< by random priorities, which change at few random operations (Burckhardt et al. 2010)
};

struct Search {
  Strategy strategy = Strategy::walk;
  std::uint64_t schedules = 1000;
  std::uint64_t first_seed = 1;
};

/// The threads of one schedule, and what must hold once all have ended.
struct Program {
  std::vector<std::function<void()>> threads;
  std::function<void()> at_rest = [] {};
};

/// What a search found: nothing, or the seed that repeats it.
struct Result {
  std::string violation;
  std::uint64_t seed = 0, schedules = 0, operations = 0;

  bool found() const { return !violation.empty(); }
};

/// Runs schedule after schedule, each on a program made anew, until one violates something.
Result explore(const Search& search, const std::function<Program()>& make);

// For the threads of a program.

/// Abandons the schedule unless `holds`.
void require(bool holds, std::string_view what);

/// A point at which another thread may go on.
void yield();

/// Announces that plain memory is read or written here; others must be ordered against it.
void reads(const void* address);
void writes(const void* address);

/// A number below `limit`, from the seed.
std::uint64_t choose(std::uint64_t limit);

// For the operations of concurrency.h.

/// The calling thread waits until `ready()`; when all wait, the schedule is stuck, which violates every program.
void wait_until(const std::function<bool()>& ready);

/// What an acquire takes over and a release leaves behind; every operation is one step of its thread's clock.
void acquire(const Clock& published);
void release_to(Clock& published);

/// The ordering of an operation, or relaxed where a test weakened it to show that it is needed.
std::memory_order ordering(std::memory_order asked, std::string_view operation, const std::source_location& where);

/// Makes relaxed, from here on, the given half of the operation in functions whose signature contains `function`.
void weaken(std::string_view function, std::string_view operation, std::memory_order half);
void strengthen();

}  // namespace schedule
