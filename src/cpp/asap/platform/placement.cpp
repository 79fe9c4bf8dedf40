#include "asap/platform/placement.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace asap {
namespace {

/// An allowed CPU and its rank in the two orders.
struct Seat {
  std::size_t cpu, node;
  std::size_t sibling;  // seats of the same core before this one
  std::size_t turn;     // seats of the same node and sibling rank before this one
};

std::vector<Seat> seats(const Topology& topology, const std::vector<std::size_t>& allowed) {
  std::map<std::size_t, std::size_t> of_core;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> of_node;
  std::vector<Seat> seats;
  for (const std::size_t id : allowed) {
    const Cpu cpu = topology.at(id);
    const std::size_t sibling = of_core[cpu.core]++;
    seats.push_back({id, cpu.node, sibling, of_node[{sibling, cpu.node}]++});
  }
  return seats;
}

std::vector<std::size_t> order(std::vector<Seat> seats, Affinity affinity) {
  std::ranges::sort(seats, {}, [affinity](const Seat& seat) {
    return affinity == Affinity::compact ? std::tuple(seat.sibling, seat.node, seat.turn)
                                         : std::tuple(seat.sibling, seat.turn, seat.node);
  });
  std::vector<std::size_t> cpus;
  for (const Seat& seat : seats) cpus.push_back(seat.cpu);
  return cpus;
}

std::vector<std::size_t> nodes_of(const Topology& topology, const std::vector<std::size_t>& cpus) {
  std::set<std::size_t> nodes;
  for (const std::size_t cpu : cpus) nodes.insert(topology.at(cpu).node);
  return {nodes.begin(), nodes.end()};
}

}  // namespace

Placement place(const Topology& topology, std::vector<std::size_t> allowed, std::size_t workers, Affinity affinity) {
  std::ranges::sort(allowed);
  Placement placement;
  if (affinity != Affinity::none) {
    const auto cpus = order(seats(topology, allowed), affinity);
    for (std::size_t worker = 0; worker < workers; ++worker) placement.cpus.push_back(cpus[worker % cpus.size()]);
  }
  if (topology.all(&Cpu::node).size() < 2) return placement;
  if (affinity != Affinity::none)
    placement.nodes = nodes_of(topology, placement.cpus);
  else if (workers > 1)
    placement.nodes = nodes_of(topology, allowed);
  return placement;
}

}  // namespace asap
