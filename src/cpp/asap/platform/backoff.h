// Waiting awake for what another thread finishes within microseconds: sleeping and waking up would take longer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace asap {

/// Tells the processor that this thread is waiting, so that it leaves the core's resources to others.
inline void pause_briefly() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Pauses twice as long from call to call.
class Backoff {
 public:
  /// Of all pauses together: some 20 µs, about what putting a thread to sleep and waking it up takes.
  static constexpr std::size_t kMaxPauses = 1024;

  bool exhausted() const noexcept { return pauses_ >= kMaxPauses; }

  void pause() noexcept {
    for (std::size_t i = 0; i < pauses_; ++i) pause_briefly();
    pauses_ *= 2;
  }

 private:
  std::size_t pauses_ = 1;
};

/// Waits until `done()` or until a Backoff is exhausted; returns whether it is done.
template <class Done>
bool wait_awake(Done&& done) {
  for (Backoff backoff; !backoff.exhausted(); backoff.pause())
    if (done()) return true;
  return done();
}

}  // namespace asap
