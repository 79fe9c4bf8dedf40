/* src/cpp/asap/store/round_barrier.h, for exhaustive search with spin (check.py has the searches).
 *
 * M members come R times each; any of them may leave early (LEAVE), and any may wait awake before it sleeps. Shown: the
 * last one to arrive or to leave completes the phase, once, while all others wait; nobody waits for ever.
 *
 * FAULT  1 the phase ends before it is completed, 2 who leaves ends no phase, 3 the phase is read after unlocking,
 *        4 who sleeps does not look again under the mutex
 */
#ifndef M
#define M 3
#endif
#ifndef R
#define R 2
#endif
#ifndef FAULT
#define FAULT 0
#endif

bool locked = false;               /* the mutex */
byte members = M, arrived = 0, phase = 0;
bool asleep[M];                    /* who waits on the condition variable */
/* What the code does not have, for the assertions. */
byte waiting = 0;                  /* inside arrive(), from the count on */
byte completed = 0;                /* phases */

inline lock() { atomic { !locked -> locked = true } }
inline unlock() { locked = false }

inline wake_all() { d_step { i = 0; do :: i < M -> asleep[i] = false; i++ :: else -> break od; i = 0 } }

inline end_phase() {
#if FAULT == 1
  phase++;
#endif
  assert(waiting == members && completed < R);
  completed++;
  arrived = 0;
#if FAULT != 1
  phase++;
#endif
  wake_all()
}

inline arrive() {
  lock();
  atomic { arrived++; waiting++ };
  if
  :: arrived == members -> end_phase()
  :: else ->
#if FAULT == 3
     unlock(); seen = phase;
#else
     seen = phase; unlock();
#endif
     do
     :: phase != seen -> goto awake                  /* waits awake, as long as it likes */
     :: break
     od;
     lock();
     do
#if FAULT == 4
     :: atomic { asleep[me] = true; locked = false };
        atomic { !asleep[me] && !locked -> locked = true };
        break
#else
     :: phase != seen -> break
     :: else -> atomic { asleep[me] = true; locked = false };
        atomic { !asleep[me] && !locked -> locked = true }
#endif
     od
  fi;
  unlock();
awake:
  atomic { seen = 0; waiting-- }
}

inline leave() {
  lock();
  members--;
  if
  :: members > 0 && arrived == members && FAULT != 2 -> end_phase()
  :: else
  fi;
  unlock()
}

proctype Member(byte me) {
  byte rounds = 0, seen, i = 0;
  do
  :: rounds < R -> arrive(); rounds++; assert(completed >= rounds)
  :: rounds == R -> break
#ifdef LEAVE
  :: rounds < R -> break
#endif
  od;
  leave()
}

init {
  byte i = 0;
  atomic { do :: i < M -> run Member(i); i++ :: else -> break od; i = 0 }
  (_nr_pr == 1);
  assert(members == 0 && arrived == 0 && waiting == 0)
}
