// What the end of Python waits for: the runs of its own process, and none of a process that it was forked from.
#include "bindings/live_runs.h"

#include <sys/wait.h>

#include <atomic>
#include <memory>
#include <thread>

#include "check.h"

namespace {

using asap::bindings::LiveRuns;

constexpr std::chrono::hours kForever{24};

}  // namespace

TEST(the_end_asks_all_runs_to_end_and_waits_for_them) {
  LiveRuns runs(kForever);
  std::atomic<bool> begun{false}, ended{false};
  std::thread run([&] {
    const LiveRuns::Entry entry(runs);
    begun = true;
    begun.notify_all();
    while (!runs.are_to_end()) std::this_thread::yield();
    ended = true;
  });
  begun.wait(false);
  CHECK(!runs.are_to_end());
  CHECK(runs.end());
  CHECK(ended);
  run.join();
}

TEST(the_end_waits_for_the_last_run_whatever_others_have_ended) {
  LiveRuns runs(std::chrono::seconds(0));
  auto first = std::make_unique<LiveRuns::Entry>(runs), second = std::make_unique<LiveRuns::Entry>(runs),
       third = std::make_unique<LiveRuns::Entry>(runs);
  second.reset();
  CHECK(!runs.end());
  first.reset();
  CHECK(!runs.end());
  third.reset();
  CHECK(runs.end());
}

TEST(a_forked_child_waits_for_no_run_of_its_parent) {
  LiveRuns runs(kForever);
  const LiveRuns::Entry entry(runs);
  const pid_t child = fork();
  if (child == 0) {
    alarm(300);  // not to outlive a test that fails
    _exit(runs.end() ? 0 : 1);
  }
  int status = -1;
  CHECK_EQUAL(waitpid(child, &status, 0), child);
  CHECK_EQUAL(status, 0);
}
