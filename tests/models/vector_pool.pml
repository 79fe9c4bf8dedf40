/* The protocol of src/cpp/asap/store/vector_pool.h with the calls of LeashedStore, for exhaustive search with spin.
 *
 * M workers make K publications each (worker 1: K1, worker 2: K2) with B slots; check.py has the searches and says what
 * each must find.
 *
 * DROP     a failed attempt gives the gradient up and releases the slot (persistence 0); otherwise it is repeated
 * MONITOR  one more thread that only reads (a snapshot)
 * ONEPIN   leaves out the pin during the gradient: fewer states, for three workers
 * FAULT    1 pin ignores the version, 2 the compare-and-swap ignores it, 3 unpin's compare-and-swap ignores version and
 *          count, 4 retiring frees without looking at the readers, 5 pin accepts any state, 6 any slot is preferred, not
 *          the one that the worker retired last
 */
#ifndef M
#define M 2
#endif
#ifndef K
#define K 2
#endif
#ifndef K1
#define K1 K
#endif
#ifndef K2
#define K2 K
#endif
#ifndef B
#define B 4
#endif
#ifndef FAULT
#define FAULT 0
#endif

#define FREE 0
#define PRIVATE 1
#define LIVE 2
#define RETIRED 3

/* The published word. */
byte published_slot = 0, published_version = 0;
/* The words of the slots. */
byte state[B]; byte version[B]; byte readers[B];
/* What the code does not have, for the assertions. */
byte content[B];           /* version that the vector holds */
bool half_written[B];
byte owner[B];             /* whose private slot it is, plus one */
byte publications = 0;

/* Locals of every process: slot, seen = the pinned slot and its version; yes, old = scratch. */

inline unpin(s) {
  atomic { assert(readers[s] > 0); readers[s]--; yes = (state[s] == RETIRED && readers[s] == 0); old = version[s] };
  if
  :: yes -> atomic {
       if :: state[s] == RETIRED && ((readers[s] == 0 && version[s] == old) || FAULT == 3) -> state[s] = FREE :: else fi;
       yes = false; old = 0 }
  :: else
  fi
}

#define PIN(label)                                                                                                    \
label: atomic { slot = published_slot; seen = published_version };                                                    \
  atomic { readers[slot]++;                                                                                           \
           yes = ((version[slot] == seen || FAULT == 1) && (state[slot] >= LIVE || FAULT == 5)) };                    \
  if                                                                                                                  \
  :: !yes -> unpin(slot); goto label                                                                                  \
  :: else -> yes = false                                                                                              \
  fi

inline read_vector() { assert(content[slot] == seen && !half_written[slot]) }

#define AVAILABLE(s) (state[s] == FREE || (state[s] == RETIRED && readers[s] == 0))
#define TAKE(s) state[s] = PRIVATE; assert(owner[s] == 0 && s != published_slot); owner[s] = _pid + 1; has_slot = true

inline acquire() {  /* the slot retired last, then one atomic step per slot: the bound says that one pass suffices */
  atomic {
#if FAULT == 6
    do :: mine < B - 1 -> mine++ :: break od;
#else
    mine = retired;
#endif
    if :: AVAILABLE(mine) -> TAKE(mine) :: else -> mine = 0 fi
  };
  do
  :: has_slot -> break
  :: !has_slot && mine < B -> atomic { if :: AVAILABLE(mine) -> TAKE(mine) :: else -> mine++ fi }
  :: !has_slot && mine >= B -> mine = 0; assert(false)
  od
}

proctype Worker(byte wanted) {
  byte slot, seen, mine = 0, retired = 0, done = 0, old; bool yes, has_slot = false;
  do
  :: done < wanted ->
#ifndef ONEPIN
PIN(gradient);
     read_vector(); read_vector();
     unpin(slot);
#endif
attempt:
     if :: !has_slot -> acquire() :: else fi;
PIN(prepare);
     assert(owner[mine] == _pid + 1); half_written[mine] = true;
     read_vector();
     atomic { assert(owner[mine] == _pid + 1); content[mine] = seen + 1; half_written[mine] = false };
     unpin(slot);
     atomic { assert(state[mine] == PRIVATE); state[mine] = LIVE; version[mine] = seen + 1 };
     atomic {
       if
       :: published_slot == slot && (published_version == seen || FAULT == 2) ->
            published_slot = mine; published_version = seen + 1;
            assert(seen == publications); publications++;  /* nobody's update is lost */
            owner[mine] = 0; yes = true
       :: else -> yes = false
       fi };
     if
     :: yes -> yes = false; has_slot = false; mine = 0; retired = slot;
        atomic { assert(state[slot] == LIVE && version[slot] == seen); state[slot] = RETIRED;
                 yes = (readers[slot] == 0 || FAULT == 4); old = seen };
        if
        :: yes -> atomic {
             if :: state[slot] == RETIRED && (readers[slot] == 0 || FAULT == 4) && version[slot] == old -> state[slot] = FREE
             :: else fi;
             yes = false; old = 0 }
        :: else -> old = 0
        fi;
        done++
     :: else -> atomic { state[mine] = PRIVATE };
#ifdef DROP
        atomic { assert(owner[mine] == _pid + 1); owner[mine] = 0; state[mine] = FREE; has_slot = false; mine = 0 };
        done++
#else
        goto attempt
#endif
     fi;
     atomic { slot = 0; seen = 0 }
  :: else -> break
  od
}

#ifdef MONITOR
proctype Monitor() {
  byte slot, seen, done = 0, old; bool yes;
  do
  :: done < K ->
PIN(snapshot);
     read_vector();
     unpin(slot);
     atomic { done++; slot = 0; seen = 0 }
  :: else -> break
  od
}
#endif

init {
  byte i = 0, live = 0;
  atomic {
    state[0] = LIVE;
    do
    :: i < M -> if :: i == 0 -> run Worker(K) :: i == 1 -> run Worker(K1) :: else -> run Worker(K2) fi; i++
    :: else -> break
    od;
#ifdef MONITOR
    run Monitor();
#endif
    i = 0
  }
  (_nr_pr == 1);
  /* At rest: one live slot, the published one; all others free; no pin is left. */
  atomic {
    do
    :: i < B -> assert(readers[i] == 0 && (state[i] == FREE || state[i] == LIVE));
                if :: state[i] == LIVE -> live++ :: else fi; i++
    :: else -> break
    od;
    assert(live == 1 && state[published_slot] == LIVE)
  }
}
