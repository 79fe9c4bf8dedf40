// What the scheduler interleaves: the lock-free parts of the core in use, with what must hold at every moment.
#pragma once

#include "scheduler.h"

namespace programs {

/// How workers use a pool, and how many slots it has for them.
struct PoolUse {
  std::size_t workers = 2, readers = 0, publications = 2;
  std::size_t slots = 2 * workers + readers;
  bool drops = false;             ///< a failed attempt gives the update up and releases the slot
  bool prefers_anything = false;  ///< not the slot that it retired last
};

/// Workers publish whole numbers on top of the latest vector, readers look on. No update is lost, no vector torn or
/// changed while it is pinned, no access unordered; one search of the pool finds a slot; at rest all but one are free.
schedule::Program pool(const PoolUse& use);

/// The same of the whole engine, with its turns: `persistence` and `copy` as for asap::LeashedStore. Every version is
/// replaced once, and every view has the parameters of its version.
schedule::Program leashed(std::size_t workers, std::uint64_t updates, std::uint64_t persistence, bool copy,
                          bool keeps_view = false);

/// Workers publish under a table with C = 1 for τ < limit, else 0. Each update has the C of its exact τ, and takes a
/// version, each one once, exactly where that is not 0.
schedule::Program hogwild(std::size_t workers, std::uint64_t gradients, std::size_t limit);

/// Workers take the current table for every update while another thread replaces it; no table is freed in use.
schedule::Program table_switch(std::size_t workers, std::uint64_t updates, std::uint64_t replacements);

/// Members come to the barrier round after round, the first one leaves early; rounds are completed once, by the last.
schedule::Program round_barrier(std::size_t members, std::uint64_t rounds, bool wait_awake);

/// Workers take numbers, and one number in three is granted anew; each number is taken once, none is left.
schedule::Program batch_source(std::size_t workers, std::uint64_t batches);

/// Workers make updates, each on its own or in rounds, while another thread pauses them several times and stops them at
/// last. During a pause nobody is at an update, and what they wrote is visible; all make as many rounds. `group`: so
/// many updates belong together, and while all have work no pause comes between them.
schedule::Program signal(std::size_t workers, std::uint64_t pauses, bool rounds, std::uint64_t group = 1);

/// One thread stores values whose words all are the same, others load them.
schedule::Program whole_value(std::size_t readers, std::uint64_t values);

}  // namespace programs
