/* TableSwitch of src/cpp/asap/step/scale_table.h, for exhaustive search with spin (check.py has the searches).
 *
 * W workers make up to U updates each, ending early if they like, while the coordinator replaces the table G times. Shown:
 * a table is freed only when no worker can hold it, and at rest, when all are gone, only the current one is left.
 *
 * FAULT  1 the generation is published before the table, 2 a worker marks itself with a generation read after the table,
 *        3 tables of the oldest generation seen are freed, too
 */
#ifndef W
#define W 2
#endif
#ifndef U
#define U 2
#endif
#ifndef G
#define G 3
#endif
#ifndef FAULT
#define FAULT 0
#endif
#define GONE 255

byte generation = 1, current = 1;  /* a table is named by its generation */
byte seen[W];                      /* 0: has not begun */
bool freed[G + 2];

proctype Worker(byte me) {
  byte updates = 0, table, mark;
  do
  :: updates < U ->
#if FAULT == 2
     table = current; mark = generation; seen[me] = mark;
#else
     mark = generation; seen[me] = mark; table = current;
#endif
     assert(!freed[table]);
     assert(!freed[table]);         /* later in the same update */
     atomic { updates++; table = 0; mark = 0 }
  :: break
  od;
  seen[me] = GONE
}

inline reclaim() {
  oldest = generation; i = 0;
  do
  :: i < W -> mark = seen[i]; if :: mark < oldest -> oldest = mark :: else fi; i++
  :: else -> break
  od;
  atomic {
    i = 1;
    do
    :: i < generation && (i < oldest || (FAULT == 3 && i == oldest)) -> freed[i] = true; i++
    :: else -> break
    od;
    i = 0; oldest = 0; mark = 0
  }
}

proctype Coordinator() {
  byte replacements = 0, oldest, i, mark;
  do
  :: replacements < G ->
#if FAULT == 1
     generation++; current = generation;
#else
     current = generation + 1; generation++;
#endif
     reclaim();
     replacements++
  :: else -> break
  od;
  (_nr_pr == 2);
  reclaim();                        /* what was still in use is left for the next call */
  i = 1;
  do :: i < generation -> assert(freed[i]); i++ :: else -> break od;
  assert(!freed[current])
}

init {
  byte i = 0;
  atomic { run Coordinator(); do :: i < W -> run Worker(i); i++ :: else -> break od; i = 0 }
}
