// When a thread has ended, for those who wait for it in another one.
#pragma once

#include <atomic>

/// Says, at the end of the thread that made it, that this thread is gone.
struct Farewell {
  explicit Farewell(std::atomic<bool>& the_gone) : gone(the_gone) {}
  ~Farewell() {
    gone = true;
    gone.notify_all();
  }
  std::atomic<bool>& gone;
};
