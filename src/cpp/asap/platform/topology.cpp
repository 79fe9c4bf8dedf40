#include "asap/platform/topology.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "asap/platform/affinity.h"

namespace asap {
namespace {

using sysfs::read_list;
using sysfs::read_number;
using Path = std::filesystem::path;

/// "cpu3" for ("cpu", 3).
std::string numbered(std::string name, std::size_t number) { return name += std::to_string(number); }

Path cpu_folder(const Path& sysfs, std::size_t cpu) { return sysfs / "devices/system/cpu" / numbered("cpu", cpu); }

Cpu read_cpu(const Path& sysfs, std::size_t id) {
  const Path folder = cpu_folder(sysfs, id) / "topology";
  const auto siblings = read_list(folder / "thread_siblings_list");
  return {.id = id,
          .core = siblings.empty() ? id : siblings.front(),
          .socket = read_number(folder / "physical_package_id").value_or(0)};
}

std::map<std::size_t, std::size_t> read_node_of_cpu(const Path& sysfs) {
  const Path folder = sysfs / "devices/system/node";
  std::map<std::size_t, std::size_t> node_of;
  for (const std::size_t node : read_list(folder / "online"))
    for (const std::size_t cpu : read_list(folder / numbered("node", node) / "cpulist")) node_of[cpu] = node;
  return node_of;
}

/// "48K" in bytes.
std::size_t read_size(const Path& file) {
  const auto word = sysfs::read_word(file).value_or("");
  const std::size_t unit = word.ends_with('K') ? 1 << 10 : word.ends_with('M') ? 1 << 20 : 1;
  return read_number(file).value_or(0) * unit;
}

struct Cache {
  std::size_t level = 0;
  std::string type;
  std::vector<std::size_t> cpus;
  std::size_t size_bytes = 0;

  auto operator<=>(const Cache&) const = default;
};

/// Every cache once, though each CPU lists all that it reaches.
std::set<Cache> read_each_cache(const Topology& topology, const Path& sysfs) {
  std::set<Cache> caches;
  for (const Cpu& cpu : topology.cpus)
    for (std::size_t index = 0;; ++index) {
      const Path folder = cpu_folder(sysfs, cpu.id) / "cache" / numbered("index", index);
      const auto level = read_number(folder / "level");
      if (!level) break;
      const auto type = sysfs::read_word(folder / "type").value_or("");
      if (type != "Instruction")
        caches.insert({*level, type, read_list(folder / "shared_cpu_list"), read_size(folder / "size")});
    }
  return caches;
}

}  // namespace

Cpu Topology::at(std::size_t id) const {
  const auto found = std::ranges::lower_bound(cpus, id, {}, &Cpu::id);
  return found != cpus.end() && found->id == id ? *found : Cpu{.id = id, .core = id};
}

std::vector<std::size_t> Topology::with(std::size_t Cpu::* where, std::size_t value) const {
  std::vector<std::size_t> ids;
  for (const Cpu& cpu : cpus)
    if (cpu.*where == value) ids.push_back(cpu.id);
  return ids;
}

std::vector<std::size_t> Topology::all(std::size_t Cpu::* where) const {
  std::set<std::size_t> values;
  for (const Cpu& cpu : cpus) values.insert(cpu.*where);
  return {values.begin(), values.end()};
}

std::size_t Topology::max_threads_per_core() const {
  std::map<std::size_t, std::size_t> threads;
  std::size_t most = 0;
  for (const Cpu& cpu : cpus) most = std::max(most, ++threads[cpu.core]);
  return most;
}

Topology read_topology(const Path& sysfs) {
  auto online = read_list(sysfs / "devices/system/cpu/online");
  if (online.empty()) online = affinity_mask();
  const auto node_of = read_node_of_cpu(sysfs);
  Topology topology;
  for (const std::size_t id : online) {
    topology.cpus.push_back(read_cpu(sysfs, id));
    if (const auto found = node_of.find(id); found != node_of.end()) topology.cpus.back().node = found->second;
  }
  return topology;
}

std::vector<Caches> read_caches(const Topology& topology, const Path& sysfs) {
  // Counted by level, then by size, the largest first.
  std::map<std::tuple<std::size_t, std::string, std::size_t, std::size_t>, std::size_t> counts;
  for (const Cache& cache : read_each_cache(topology, sysfs))
    ++counts[{cache.level, cache.type, ~cache.size_bytes, cache.cpus.size()}];
  std::vector<Caches> kinds;
  for (const auto& [kind, count] : counts) {
    const auto& [level, type, size, shared_by] = kind;
    kinds.push_back({numbered("L", level) + (type == "Data" ? "d" : ""), ~size, shared_by, count});
  }
  return kinds;
}

}  // namespace asap
