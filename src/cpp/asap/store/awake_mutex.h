// A mutex for short sections: who finds it taken first waits awake for about as long as a section lasts.
#pragma once

#include "asap/core/concurrency.h"
#include "asap/platform/backoff.h"

namespace asap {

/// A mutex for std::lock_guard. Sleeping is the last resort: it costs more than a section of some microseconds, and a
/// mutex whose threads sleep in a queue goes on no faster than they are woken up. Progress: blocking.
class AwakeMutex {
 public:
  void lock() {
    if (!wait_awake([this] { return mutex_.try_lock(); })) mutex_.lock();
  }
  void unlock() { mutex_.unlock(); }

 private:
  Mutex mutex_;
};

}  // namespace asap
