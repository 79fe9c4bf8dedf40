// Waiting awake for what another thread finishes within microseconds: sleeping and waking up would take longer.
#pragma once

#include <algorithm>
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

/// What a thread does whose attempt number `attempts` (from 1) failed because others were faster: it leaves them alone
/// for 2048 pauses, some 30 µs, after the first failure, twice as long after each further one, 64 times at most.
inline void back_off(std::uint64_t attempts) noexcept {
  const std::size_t pauses = std::size_t{1024} << std::min<std::uint64_t>(attempts, 7);
  for (std::size_t i = 0; i < pauses; ++i) pause_briefly();
}

}  // namespace asap
