// Runs that are going on when Python ends: daemon threads of Python may be in one, and must not come back to an
// interpreter that is gone.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <vector>

namespace asap::bindings {

/// Counts the runs of this process; entries that a fork copied are another one's. Thread-safe.
class LiveRuns {
 public:
  /// `patience`: for how long a program that ends may wait for its runs.
  explicit LiveRuns(std::chrono::seconds patience) : patience_(patience) {}

  /// A run, from before its workers start until Python has its result.
  class Entry {
   public:
    explicit Entry(LiveRuns& runs) : runs_(runs) {
      const std::lock_guard lock(runs_.mutex_);
      runs_.processes_.push_back(process_);
    }
    ~Entry() {
      const std::lock_guard lock(runs_.mutex_);
      runs_.processes_.erase(std::find(runs_.processes_.begin(), runs_.processes_.end(), process_));
      runs_.ended_.notify_all();
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    LiveRuns& runs_;
    const pid_t process_ = getpid();
  };

  /// Whether Python is ending, and every run should.
  bool are_to_end() const noexcept { return ending_.load(std::memory_order_relaxed); }

  /// Asks all runs to end and waits until they have, or until its patience is at an end. Returns whether they have.
  bool end() {
    ending_.store(true, std::memory_order_relaxed);
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, patience_, [this] {
      return std::find(processes_.begin(), processes_.end(), getpid()) == processes_.end();
    });
  }

 private:
  const std::chrono::seconds patience_;
  std::atomic<bool> ending_{false};
  std::mutex mutex_;  // guards processes_
  std::condition_variable ended_;
  std::vector<pid_t> processes_;
};

}  // namespace asap::bindings
