// The team: m threads that run workers to completion. First failure wins, everybody drains, no thread outlives it.
#pragma once

#include <latch>
#include <thread>
#include <vector>

#include "asap/train/worker.h"

namespace asap {

/// Starts the workers on construction, all of them or none; stops and joins them on destruction.
template <Store S>
class Team {
 public:
  Team(RunState& run, S& store) : run_(run), store_(store), ready_(static_cast<std::ptrdiff_t>(run.options.workers)) {
    try {
      start_threads();
    } catch (...) {  // the system gives no more threads
      run_.fail(std::current_exception(), run_.here());
      ready_.count_down(static_cast<std::ptrdiff_t>(run_.options.workers - threads_.size()));
      run_.signal.leave(run_.options.workers - threads_.size());
    }
    open_gate();
  }
  ~Team() {
    run_.signal.stop();
    join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// Whether every worker has ended; what they wrote is visible then.
  bool ended() const { return run_.signal.is_over(); }

  void join() {
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }

 private:
  void start_threads() {
    threads_.reserve(run_.options.workers);
    for (std::size_t id = 0; id < run_.options.workers; ++id) threads_.emplace_back([this, id] { work(id); });
    if (run_.spiller)
      run_.spiller->start();  // last: it sleeps at once, and the first threads get processors to themselves
  }

  /// Lets the workers go once each has what it needs, or nobody if one has not. The clock starts here.
  void open_gate() {
    ready_.wait();
    complete_ = run_.signal.goes();
    run_.clock.restart();
    gate_.count_down();
  }

  void work(std::size_t id) {
    std::optional<Worker<S>> worker;
    try {
      run_.pin(id);
      worker.emplace(run_, store_, id);  // in its own thread, which so touches its memory first
    } catch (...) {
      run_.fail(std::current_exception(), {.worker = id, .updates = run_.totals().published});
    }
    ready_.count_down();
    gate_.wait();
    if (complete_) run(*worker, id);
    run_.signal.leave();
    run_.events.post({});
  }

  void run(Worker<S>& worker, std::size_t id) {
    try {
      worker.run();
    } catch (...) {
      run_.fail(std::current_exception(), worker.position());
    }
    worker.leave();
    run_.workers[id].end(run_.clock.seconds());
  }

  RunState& run_;
  S& store_;
  std::latch ready_, gate_{1};
  bool complete_ = false;  // everybody got ready, and the run is to begin; written before the gate opens
  std::vector<std::thread> threads_;
};

}  // namespace asap
