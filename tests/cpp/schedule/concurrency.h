// Atomics, mutex and condition variable under the scheduler of scheduler.h, in place of those of
// asap/core/concurrency.h.
#pragma once

#include <atomic>
#include <mutex>
#include <source_location>

#include "scheduler.h"

namespace asap {

template <class T>
class Atomic {
  using Order = std::memory_order;
  using Where = std::source_location;

 public:
  constexpr Atomic() = default;
  constexpr Atomic(T value) : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(Order order = Order::seq_cst, Where where = Where::current()) const {
    begin(order, "load", where);
    return value_;
  }

  void store(T value, Order order = Order::seq_cst, Where where = Where::current()) {
    schedule::yield();
    order = schedule::ordering(order, "store", where);
    published_ = {};  // a plain store heads a release sequence of its own
    if (releases(order)) schedule::release_to(published_);
    value_ = value;
  }

  T exchange(T value, Order order = Order::seq_cst, Where where = Where::current()) {
    return update([&](T) { return value; }, order, "exchange", where);
  }
  T fetch_add(T amount, Order order = Order::seq_cst, Where where = Where::current()) {
    return update([&](T old) { return old + amount; }, order, "fetch_add", where);
  }
  T fetch_sub(T amount, Order order = Order::seq_cst, Where where = Where::current()) {
    return update([&](T old) { return old - amount; }, order, "fetch_sub", where);
  }

  bool compare_exchange_strong(T& expected, T desired, Order success = Order::seq_cst, Order failure = Order::seq_cst,
                               Where where = Where::current()) {
    return compare_exchange(expected, desired, false, success, failure, where);
  }
  bool compare_exchange_weak(T& expected, T desired, Order order = Order::seq_cst, Where where = Where::current()) {
    return compare_exchange_weak(expected, desired, order, Order::relaxed, where);
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure, Where where = Where::current()) {
    return compare_exchange(expected, desired, schedule::choose(16) == 0, success, failure, where);
  }

 private:
  static bool acquires(Order order) { return order != Order::relaxed && order != Order::release; }
  static bool releases(Order order) { return order >= Order::release; }

  /// Lets others go first, and returns the ordering that is in force.
  Order begin(Order order, const char* operation, const Where& where) const {
    schedule::yield();
    order = schedule::ordering(order, operation, where);
    if (acquires(order)) schedule::acquire(published_);
    return order;
  }

  /// A read-modify-write keeps what earlier releases published, whatever its own ordering.
  template <class Function>
  T update(Function&& next, Order order, const char* operation, const Where& where) {
    order = begin(order, operation, where);
    if (releases(order)) schedule::release_to(published_);
    const T old = value_;
    value_ = static_cast<T>(next(old));
    return old;
  }

  bool compare_exchange(T& expected, T desired, bool spuriously, Order success, Order failure, const Where& where) {
    schedule::yield();
    if (value_ != expected || spuriously) {
      if (acquires(failure)) schedule::acquire(published_);
      expected = value_;
      return false;
    }
    success = schedule::ordering(success, "compare_exchange", where);
    if (acquires(success)) schedule::acquire(published_);
    if (releases(success)) schedule::release_to(published_);
    value_ = desired;
    return true;
  }

  T value_{};
  schedule::Clock published_;
};

class Mutex {
 public:
  void lock() {
    schedule::yield();
    schedule::wait_until([this] { return !locked_; });
    take();
  }
  bool try_lock() {
    schedule::yield();
    if (locked_) return false;
    take();
    return true;
  }
  void unlock() {
    schedule::release_to(published_);
    locked_ = false;
    schedule::yield();
  }

 private:
  void take() {
    locked_ = true;
    schedule::acquire(published_);
  }

  bool locked_ = false;
  schedule::Clock published_;
};

/// Never wakes anybody without a notification: one that is missed leaves the schedule stuck.
class ConditionVariable {
 public:
  template <class Predicate>
  void wait(std::unique_lock<Mutex>& lock, Predicate&& ready) {
    while (!ready()) {
      const std::uint64_t seen = notifications_;
      lock.mutex()->unlock();
      schedule::wait_until([&] { return notifications_ != seen; });
      lock.mutex()->lock();
    }
  }
  /// Time does not pass here.
  template <class Duration, class Predicate>
  bool wait_for(std::unique_lock<Mutex>& lock, Duration, Predicate&& ready) {
    wait(lock, ready);
    return true;
  }
  void notify_all() { ++notifications_; }

 private:
  std::uint64_t notifications_ = 0;
};

}  // namespace asap
