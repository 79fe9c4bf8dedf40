// What workers are to do: begin updates, pause between two, or end. And whether they do.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>

#include "asap/core/concurrency.h"
#include "asap/core/types.h"

namespace asap {

/// During a pause every worker that has not ended waits between two updates: no gradient is on its way, and what all
/// have written is visible to who sees that they do. A stop is final, and ends a pause.
/// Nobody may wait at a barrier to which others do not come: where workers meet in rounds, whoever hears of a pause or
/// a stop before the barrier of a round makes that the last one, and behind the barrier everybody knows. Thread-safety:
/// any. Progress: `goes`, `begins` and `pass_on` are wait-free, and all that a running worker calls; the others block
/// for some instructions, `rest` until the pause ends.
class Signal {
 public:
  explicit Signal(std::size_t workers) : working_(workers) {}

  // For workers.

  /// Whether another update may begin. Relaxed: it guards no data.
  bool goes() const noexcept { return order_.load(std::memory_order_relaxed) == Order::go; }

  /// Whether round number `round`, from 0, may begin. Relaxed: the barrier of the round before orders it.
  bool begins(std::uint64_t round) const noexcept { return round < rounds_.load(std::memory_order_relaxed); }

  /// Before the barrier of a round, when so many have begun.
  void pass_on(std::uint64_t rounds) noexcept {
    if (!goes()) rounds_.store(rounds, std::memory_order_relaxed);
  }

  /// What a worker's rest was.
  enum class Rest {
    over,     ///< the pause has ended, or there was none
    refused,  ///< something is unfinished: another update must begin, pause or not
    last,     ///< a stop: no update may begin any more
  };

  /// Of a worker between two updates: waits for the end of a pause, which then is `over` even if a stop or another
  /// pause has been called since: those who were faster may count on this one already. The last one to come is asked
  /// whether something is `unfinished`.
  template <class Predicate>
  Rest rest(Predicate&& unfinished) {
    std::unique_lock lock(mutex_);
    if (!is(Order::pause)) return is(Order::go) ? Rest::over : Rest::last;
    if (waiting_ + 1 == working_ && unfinished()) return Rest::refused;
    if (++waiting_ == working_) at_rest_.notify_all();
    const std::size_t pause = pauses_;
    resumed_.wait(lock, [&] { return pauses_ != pause || is(Order::stop); });
    return pauses_ != pause ? Rest::over : Rest::last;
  }

  /// So many workers have ended; what they wrote is visible to who sees it.
  void leave(std::size_t workers = 1) {
    const std::lock_guard lock(mutex_);
    working_ -= workers;
    if (working_ == waiting_) at_rest_.notify_all();
  }

  // For who leads them.

  void stop() {
    const std::lock_guard lock(mutex_);
    order_.store(Order::stop, std::memory_order_relaxed);
    resumed_.notify_all();
    at_rest_.notify_all();
  }

  /// Nothing, after a stop.
  void pause() {
    const std::lock_guard lock(mutex_);
    if (is(Order::go)) order_.store(Order::pause, std::memory_order_relaxed);
  }

  /// Ends a pause in which all rest. Nothing, after a stop.
  void go_on() {
    const std::lock_guard lock(mutex_);
    if (!is(Order::pause)) return;
    rounds_.store(kUnlimited, std::memory_order_relaxed);
    ++pauses_;
    waiting_ = 0;
    order_.store(Order::go, std::memory_order_relaxed);
    resumed_.notify_all();
  }

  /// Whether there is a pause, and no worker at an update.
  bool rests() const {
    const std::lock_guard lock(mutex_);
    return is(Order::pause) && waiting_ == working_;
  }

  /// Waits until rests(), or until there is no pause (any more), but not longer than given. Returns whether it came to
  /// that.
  template <class Duration>
  bool await_rest(Duration at_most) {
    std::unique_lock lock(mutex_);
    return at_rest_.wait_for(lock, at_most, [this] { return !is(Order::pause) || waiting_ == working_; });
  }

  /// Whether every worker has ended.
  bool is_over() const {
    const std::lock_guard lock(mutex_);
    return working_ == 0;
  }

 private:
  enum class Order { go, pause, stop };

  bool is(Order order) const noexcept { return order_.load(std::memory_order_relaxed) == order; }

  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();

  alignas(kCacheLine) Atomic<Order> order_{Order::go};  // written with the mutex; read by every worker, all the time
  Atomic<std::uint64_t> rounds_{kUnlimited};            // that may begin
  alignas(kCacheLine) mutable Mutex mutex_;             // guards the rest
  ConditionVariable resumed_, at_rest_;
  std::size_t working_;      // have not ended
  std::size_t waiting_ = 0;  // of these, in the present pause
  std::size_t pauses_ = 0;   // that are over
};

}  // namespace asap
