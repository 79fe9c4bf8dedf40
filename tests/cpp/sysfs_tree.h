// Machines that this one is not: folders with the files that sysfs would show there.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "asap/platform/sysfs.h"
#include "asap/platform/topology.h"

namespace machines {

using asap::Cpu;
using asap::Topology;
using Path = std::filesystem::path;

/// A folder of its own, removed at the end.
class SysfsTree {
 public:
  SysfsTree() {
    std::string name = Path(std::filesystem::temp_directory_path() / "sysfs-XXXXXX").string();
    if (!mkdtemp(name.data())) throw std::runtime_error("no temporary folder");
    root_ = name;
  }
  ~SysfsTree() { std::filesystem::remove_all(root_); }
  SysfsTree(const SysfsTree&) = delete;
  SysfsTree& operator=(const SysfsTree&) = delete;

  const Path& root() const { return root_; }

  void write(const Path& file, const std::string& text) {
    std::filesystem::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text << "\n";
  }

  /// One cache, as each of its CPUs lists it.
  void write_cache(std::size_t index, int level, const std::string& type, const std::string& size,
                   const std::vector<std::size_t>& cpus) {
    for (const std::size_t cpu : cpus) {
      const Path folder = cpu_folder(cpu) / "cache" / ("index" + std::to_string(index));
      write(folder / "level", std::to_string(level));
      write(folder / "type", type);
      write(folder / "size", size);
      write(folder / "shared_cpu_list", asap::sysfs::format_list(cpus));
    }
  }

  /// Everything that the kernel tells of a topology; `offline`: CPUs that are there, but switched off.
  void write_cpus(const Topology& machine, const std::vector<std::size_t>& offline = {}) {
    std::vector<std::size_t> online;
    for (const Cpu& cpu : machine.cpus) {
      online.push_back(cpu.id);
      const Path folder = cpu_folder(cpu.id) / "topology";
      write(folder / "physical_package_id", std::to_string(cpu.socket));
      write(folder / "thread_siblings_list", asap::sysfs::format_list(machine.with(&Cpu::core, cpu.core)));
    }
    for (const std::size_t cpu : offline) write(cpu_folder(cpu) / "online", "0");
    write("devices/system/cpu/online", asap::sysfs::format_list(online));
  }

  void write_nodes(const Topology& machine) {
    const Path folder = "devices/system/node";
    const auto nodes = machine.all(&Cpu::node);
    write(folder / "online", asap::sysfs::format_list(nodes));
    for (const std::size_t node : nodes)
      write(folder / ("node" + std::to_string(node)) / "cpulist",
            asap::sysfs::format_list(machine.with(&Cpu::node, node)));
  }

 private:
  static Path cpu_folder(std::size_t cpu) { return Path("devices/system/cpu") / ("cpu" + std::to_string(cpu)); }

  Path root_;
};

/// Two sockets with 4 cores of 2 threads, numbered core by core first, then the siblings: CPU c + 8 is c's sibling.
inline Topology two_sockets(std::size_t nodes_per_socket) {
  Topology machine;
  for (std::size_t id = 0; id < 16; ++id) {
    const std::size_t core = id % 8;
    machine.cpus.push_back({id, core, core / 4, core * nodes_per_socket / 4});
  }
  return machine;
}

/// The same, with even CPUs on socket 0 and odd ones on socket 1, as some firmware numbers them.
inline Topology alternating_sockets() {
  Topology machine;
  for (std::size_t id = 0; id < 16; ++id) machine.cpus.push_back({id, id % 8, id % 2, id % 2});
  return machine;
}

/// One socket: two cores of 2 threads, numbered side by side, and four simple ones.
inline Topology hybrid_laptop() {
  return {
      {{0, 0, 0, 0}, {1, 0, 0, 0}, {2, 2, 0, 0}, {3, 2, 0, 0}, {4, 4, 0, 0}, {5, 5, 0, 0}, {6, 6, 0, 0}, {7, 7, 0, 0}}};
}

/// 4 cores of 2 threads (c, c + 4), of which CPUs 1 and 6 are offline.
inline Topology partly_offline() {
  return {{{0, 0, 0, 0}, {2, 2, 0, 0}, {3, 3, 0, 0}, {4, 0, 0, 0}, {5, 5, 0, 0}, {7, 3, 0, 0}}};
}

/// Two nodes of different size, with gaps in the numbers: node 0 has one core, node 2 five.
inline Topology uneven_nodes() {
  return {{{1, 1, 0, 0},
           {3, 3, 1, 2},
           {4, 4, 1, 2},
           {8, 8, 1, 2},
           {9, 3, 1, 2},
           {10, 10, 1, 2},
           {70, 70, 1, 2},
           {71, 1, 0, 0}}};
}

inline std::vector<Topology> all() {
  return {two_sockets(1), two_sockets(2), alternating_sockets(), hybrid_laptop(), partly_offline(), uneven_nodes()};
}

}  // namespace machines
