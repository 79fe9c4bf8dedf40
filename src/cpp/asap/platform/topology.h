// What the machine is made of: sockets, cores, hardware threads, NUMA nodes and caches, as sysfs shows them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "asap/platform/sysfs.h"

namespace asap {

/// A logical CPU and where it belongs.
struct Cpu {
  std::size_t id = 0;
  std::size_t core = 0;  ///< the least id among its SMT siblings
  std::size_t socket = 0;
  std::size_t node = 0;  ///< NUMA node

  bool operator==(const Cpu&) const = default;
};

/// The logical CPUs that are online, by ascending id.
struct Topology {
  std::vector<Cpu> cpus;

  /// The CPU with this id; one that is not listed counts as a core of its own on socket 0 and node 0.
  Cpu at(std::size_t id) const;

  /// The ids of the CPUs with this value there: `with(&Cpu::node, 1)`.
  std::vector<std::size_t> with(std::size_t Cpu::* where, std::size_t value) const;

  /// The values that occur there, ascending: `all(&Cpu::socket)`.
  std::vector<std::size_t> all(std::size_t Cpu::* where) const;

  std::size_t max_threads_per_core() const;
};

/// Reads <sysfs>/devices/system/{cpu,node}. What is not told is assumed simple: every CPU a core of its own, one
/// socket, one node; without any list of CPUs, those in the affinity mask.
Topology read_topology(const std::filesystem::path& sysfs = sysfs::kRoot);

/// Caches of one kind: so many, each of this size, each shared by so many CPUs that are online.
struct Caches {
  std::string name;  ///< "L1d", "L2", "L3"
  std::size_t size_bytes = 0, shared_by = 0, count = 0;

  bool operator==(const Caches&) const = default;
};

/// Data and unified caches, nearest first; the larger ones first where cores differ. Empty when nothing is told.
std::vector<Caches> read_caches(const Topology& topology, const std::filesystem::path& sysfs = sysfs::kRoot);

}  // namespace asap
