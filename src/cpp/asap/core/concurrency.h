// The standard's atomics, mutex and condition variable under names of our own, so that one test program can put others
// in their place, whose every operation is a point at which a scheduler may let another thread go on.
#pragma once

#ifdef ASAP_CONCURRENCY_HEADER
#include ASAP_CONCURRENCY_HEADER
#else
#include <atomic>
#include <condition_variable>
#include <mutex>

namespace asap {

template <class T>
using Atomic = std::atomic<T>;
using Mutex = std::mutex;
using ConditionVariable = std::condition_variable;

}  // namespace asap
#endif
