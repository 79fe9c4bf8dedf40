// Where the workers of a run go, and the memory they share: pure functions of the machine and of what is allowed.
#pragma once

#include <cstddef>
#include <vector>

#include "asap/platform/topology.h"

namespace asap {

/// How workers are bound to CPUs, one each.
enum class Affinity {
  none,     ///< not at all: the operating system moves them as it likes
  compact,  ///< close together: all cores of a NUMA node before the next node
  scatter,  ///< far apart: nodes take turns
};

struct Placement {
  std::vector<std::size_t> cpus;   ///< of each worker; empty with Affinity::none
  std::vector<std::size_t> nodes;  ///< NUMA nodes that share the pages of the shared vectors; empty: as first touched
};

/// Deals `workers` workers over the allowed CPUs. Both orders give every core one worker before any core gets a
/// second one on its SMT sibling, since siblings share the arithmetic units that a gradient keeps busy; nodes and cores
/// come in the order of their numbers. With more workers than CPUs the order starts over.
///
/// Shared vectors are interleaved over the nodes where the workers are (with Affinity::none: may be). Nothing is asked
/// for on machines with one node, nor for a single worker that is not bound.
Placement place(const Topology& topology, std::vector<std::size_t> allowed, std::size_t workers, Affinity affinity);

}  // namespace asap
