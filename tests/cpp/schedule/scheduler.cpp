#include "scheduler.h"

#include <ucontext.h>

#include <algorithm>
#include <array>
#include <memory>
#include <random>
#include <unordered_map>

namespace schedule {
namespace {

constexpr std::size_t kStackBytes = std::size_t{1} << 17;
constexpr std::uint64_t kMaxOperations = 200'000;  // of one schedule: more means that somebody waits for ever
constexpr std::size_t kPriorityChanges = 3;

struct Fibre {
  ucontext_t context;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  std::function<void()> body;
  std::function<bool()> ready;  // empty: it can go on
  bool ended = false;
  Clock clock;
  std::uint64_t priority = 0;
};

/// Who last wrote and read some plain memory, and when.
struct Accesses {
  std::size_t writer = 0;
  std::uint32_t written = 0;
  Clock read;
};

struct Weakened {
  std::string function, operation;
  std::memory_order half = std::memory_order_relaxed;
};

struct Running {
  std::array<Fibre, kMaxThreads> fibres;
  std::size_t num_fibres = 0, current = 0;
  ucontext_t scheduler;
  std::mt19937_64 random;
  Strategy strategy = Strategy::walk;
  std::uint64_t operations = 0, usual_operations = 100;
  std::vector<std::uint64_t> changes;  // operations at which the running thread's priority becomes the lowest
  std::unordered_map<const void*, Accesses> memory;
  std::string violation;
  bool active = false;

  Fibre& fibre() { return fibres[current]; }
};

Running running;
Weakened weakened;

/// A thread that can go on, or nobody.
std::size_t next() {
  std::array<std::size_t, kMaxThreads> able;
  std::size_t count = 0;
  for (std::size_t i = 0; i < running.num_fibres; ++i) {
    Fibre& fibre = running.fibres[i];
    if (!fibre.ended && (!fibre.ready || fibre.ready())) able[count++] = i;
  }
  if (count == 0) return kMaxThreads;
  if (running.strategy == Strategy::walk) return able[running.random() % count];
  return *std::max_element(able.begin(), able.begin() + count, [](std::size_t a, std::size_t b) {
    return running.fibres[a].priority < running.fibres[b].priority;
  });
}

/// Lets whoever is next go on in the place of the running thread, or leaves the schedule.
void hand_over() {
  Fibre& from = running.fibre();
  const std::size_t to = running.violation.empty() ? next() : kMaxThreads;
  if (to == kMaxThreads) {
    swapcontext(&from.context, &running.scheduler);
  } else {
    running.current = to;
    running.fibre().ready = nullptr;
    if (&from != &running.fibre()) swapcontext(&from.context, &running.fibre().context);
  }
}

/// The body of every fibre. It never returns: nobody hands over to a thread that has ended.
void enter() {
  running.fibre().body();
  running.fibre().ended = true;
  hand_over();
}

void violate(std::string_view what) {
  if (running.violation.empty()) running.violation = what;
}

void prepare(Fibre& fibre, std::function<void()> body, std::size_t thread) {
  fibre.body = std::move(body);
  fibre.ready = nullptr;
  fibre.ended = false;
  fibre.clock = {};
  fibre.clock.times[thread] = 1;
  fibre.priority = kPriorityChanges + running.random() % 1'000'000;
  getcontext(&fibre.context);
  fibre.context.uc_stack.ss_sp = fibre.stack.get();
  fibre.context.uc_stack.ss_size = kStackBytes;
  fibre.context.uc_link = nullptr;
  makecontext(&fibre.context, enter, 0);
}

/// Lets the threads go on, one operation at a time, until all have ended or something is violated.
void interleave() {
  running.active = true;
  running.current = next();
  swapcontext(&running.scheduler, &running.fibre().context);
  const bool waiting = std::any_of(running.fibres.begin(), running.fibres.begin() + running.num_fibres,
                                   [](const Fibre& fibre) { return !fibre.ended; });
  if (waiting) violate("stuck: every thread waits");
  running.active = false;
  for (Fibre& fibre : running.fibres) fibre.body = nullptr;  // and with them what the program shares
}

/// One schedule. What the fibres of an abandoned one hold on their stacks is not destroyed.
void run(Program program, Strategy strategy, std::uint64_t seed) {
  running.random.seed(seed);
  running.strategy = strategy;
  running.operations = 0;
  running.violation.clear();
  running.memory.clear();
  running.num_fibres = program.threads.size();
  for (std::size_t i = 0; i < running.num_fibres; ++i) prepare(running.fibres[i], std::move(program.threads[i]), i);
  running.changes.assign(kPriorityChanges, 0);
  for (std::uint64_t& change : running.changes) change = running.random() % running.usual_operations;
  interleave();
  running.usual_operations = std::max<std::uint64_t>(1, running.operations);
  if (!running.violation.empty()) return;
  Clock joined;
  for (std::size_t i = 0; i < running.num_fibres; ++i) joined.join(running.fibres[i].clock);
  prepare(running.fibres[0], std::move(program.at_rest), 0);
  running.fibres[0].clock = joined;
  interleave();
}

}  // namespace

void Clock::join(const Clock& other) {
  for (std::size_t i = 0; i < kMaxThreads; ++i) times[i] = std::max(times[i], other.times[i]);
}

Result explore(const Search& search, const std::function<Program()>& make) {
  Result result;
  for (std::uint64_t i = 0; i < search.schedules && !result.found(); ++i) {
    result.seed = search.first_seed + i;
    run(make(), search.strategy, result.seed);
    result.violation = running.violation;
    result.operations += running.operations;
    ++result.schedules;
  }
  return result;
}

void require(bool holds, std::string_view what) {
  if (holds) return;
  violate(what);
  if (running.active) hand_over();
}

void yield() {
  if (!running.active) return;
  if (++running.operations > kMaxOperations) require(false, "endless: some thread goes round and round");
  const auto change = std::find(running.changes.begin(), running.changes.end(), running.operations);
  if (change != running.changes.end()) running.fibre().priority = change - running.changes.begin();
  hand_over();
}

void wait_until(const std::function<bool()>& ready) {
  if (ready()) return;
  running.fibre().ready = ready;
  hand_over();
}

void reads(const void* address) {
  if (!running.active) return;
  Accesses& accesses = running.memory[address];
  const Clock& clock = running.fibre().clock;
  require(clock.has_seen(accesses.writer, accesses.written), "race: a read that is not ordered behind a write");
  accesses.read.times[running.current] = clock.times[running.current];
}

void writes(const void* address) {
  if (!running.active) return;
  Accesses& accesses = running.memory[address];
  const Clock& clock = running.fibre().clock;
  require(clock.has_seen(accesses.writer, accesses.written), "race: a write that is not ordered behind a write");
  for (std::size_t i = 0; i < kMaxThreads; ++i)
    require(clock.has_seen(i, accesses.read.times[i]), "race: a write that is not ordered behind a read");
  accesses.writer = running.current;
  accesses.written = clock.times[running.current];
}

std::uint64_t choose(std::uint64_t limit) { return running.active ? running.random() % limit : limit - 1; }

void acquire(const Clock& published) {
  if (running.active) running.fibre().clock.join(published);
}

void release_to(Clock& published) {
  if (!running.active) return;
  Clock& clock = running.fibre().clock;
  published.join(clock);
  ++clock.times[running.current];
}

std::memory_order ordering(std::memory_order asked, std::string_view operation, const std::source_location& where) {
  if (weakened.function.empty() || operation != weakened.operation ||
      std::string_view(where.function_name()).find(weakened.function) == std::string_view::npos)
    return asked;
  if (asked != std::memory_order_acq_rel) return std::memory_order_relaxed;
  return weakened.half == std::memory_order_acquire ? std::memory_order_release : std::memory_order_acquire;
}

void weaken(std::string_view function, std::string_view operation, std::memory_order half) {
  weakened = {std::string(function), std::string(operation), half};
}

void strengthen() { weakened = {}; }

}  // namespace schedule
