// What threads of one process use: a forked child has a copy of it, but not the threads.
#pragma once

#include <unistd.h>

#include <memory>

namespace asap {

/// Whether this is still the process that made it. Thread-safe.
class ProcessStamp {
 public:
  bool is_own() const noexcept { return getpid() == pid_; }

 private:
  pid_t pid_ = getpid();
};

/// Destroys a value in the process that made it, and leaves it alone in a forked child: there its destructor would wait
/// for threads that do not exist, or for mutexes that they held.
class DestroyInOwnProcess {
 public:
  template <class T>
  void operator()(T* value) const noexcept {
    if (stamp_.is_own()) delete value;
  }

 private:
  ProcessStamp stamp_;
};

template <class T>
using ProcessOwned = std::unique_ptr<T, DestroyInOwnProcess>;

}  // namespace asap
