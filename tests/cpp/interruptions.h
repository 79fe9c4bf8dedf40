// Interrupts threads anywhere, in the middle of a publication as well, for long enough that others overtake them: what
// a system with more threads than processors does now and then, often enough to be tested.
#pragma once

#include <sys/time.h>
#include <csignal>
#include <ctime>

/// While it exists, a thread that called `accept` is stopped for 0.4 ms about every millisecond, one or another of
/// them.
class Interruptions {
 public:
  Interruptions() {
    struct sigaction action{};
    action.sa_handler = [](int) {
      const timespec pause{0, 400'000};
      nanosleep(&pause, nullptr);
    };
    action.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &action, &before_);
    mask(SIG_BLOCK);  // threads made from here on inherit it, and accept for themselves
    set_timer(1000);
  }
  ~Interruptions() {
    set_timer(0);
    const timespec at_once{};
    const sigset_t alarm = signals();
    while (sigtimedwait(&alarm, nullptr, &at_once) > 0) {
    }
    mask(SIG_UNBLOCK);
    sigaction(SIGALRM, &before_, nullptr);
  }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;

  static void accept() { mask(SIG_UNBLOCK); }

 private:
  static sigset_t signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGALRM);
    return set;
  }
  static void mask(int how) {
    const sigset_t alarm = signals();
    pthread_sigmask(how, &alarm, nullptr);
  }
  static void set_timer(long microseconds) {
    const itimerval timer{{0, microseconds}, {0, microseconds}};
    setitimer(ITIMER_REAL, &timer, nullptr);
  }

  struct sigaction before_{};
};
