// How a run begins, or does not: the system has no more threads, or a worker does not get what it needs.
#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include "asap/trace/file.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "engines.h"
#include "quadratic.h"
#include "witness.h"

namespace {

using namespace asap;

constexpr std::size_t kWorkers = 3;  // at most
constexpr int kUnlimited = std::numeric_limits<int>::max();

std::atomic<int> threads_left{kUnlimited};
std::atomic<int> threads_refused{0};

/// No gradient of a run that cannot begin is asked for.
struct Untouched : Quadratic {
  Untouched() : Quadratic(4, 100) {}
  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
    touched = true;
    return Quadratic::gradient(theta, batch, workspace, gradient);
  }
  mutable std::atomic<bool> touched{false};
};

}  // namespace

/// Every thread of this program is begun here.
extern "C" __attribute__((visibility("default"))) int pthread_create(pthread_t* thread,
                                                                     const pthread_attr_t* attributes,
                                                                     void* (*start)(void*), void* argument) noexcept {
  if (threads_left == 0) {
    ++threads_refused;
    return EAGAIN;
  }
  if (threads_left != kUnlimited) --threads_left;
  static const auto create = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
  return create(thread, attributes, start, argument);
}

TEST(where_the_system_gives_no_more_threads_nobody_begins_and_the_error_is_its_own) {
  for (const engine::Engine& engine : engines::kOfEachKind) {
    const auto workers = engines::workers_of(engine, kWorkers);
    for (std::size_t given = 0; given <= workers; ++given) {  // the last one is that of the trace
      const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), &std::fclose);
      TraceFile trace(fileno(file.get()));
      const Untouched objective;
      Witness witness;
      std::vector<float> theta(4, 1.0f);
      std::error_code caught;
      threads_refused = 0;
      threads_left = static_cast<int>(given);
      try {
        train(objective, theta, {.engine = engine, .workers = workers, .updates = 1000, .trace = &trace}, witness);
      } catch (const std::system_error& error) {
        caught = error.code();
      }
      threads_left = kUnlimited;
      CHECK_EQUAL(threads_refused, 1);
      CHECK(caught == std::errc::resource_unavailable_try_again);
      CHECK(!objective.touched);
      CHECK(theta == std::vector<float>(4, 1.0f));
      CHECK_EQUAL(witness.calls, 1);
      CHECK(!witness.failure.worker);
    }
  }
}

TEST(a_worker_that_does_not_get_what_it_needs_says_so_and_nobody_begins) {
  struct WithoutRoom : Untouched {
    std::unique_ptr<Workspace> workspace(std::size_t) const override { throw std::runtime_error("no room"); }
  };
  for (const engine::Engine& engine : engines::kOfEachKind) {
    const WithoutRoom objective;
    Witness witness;
    std::vector<float> theta(4, 1.0f);
    CHECK_THROWS(std::runtime_error,
                 train(objective, theta, {.engine = engine, .workers = 1, .updates = 1000}, witness), "no room");
    CHECK(!objective.touched);
    CHECK_EQUAL(witness.calls, 1);
    CHECK(witness.failure.worker == 0u);
    CHECK(!witness.failure.batch);
  }
}
