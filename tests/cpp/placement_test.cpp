// Where workers and shared vectors go: the two orders on machines of all kinds, and what the system makes of them here.
#include <linux/mempolicy.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <numeric>
#include <set>

#include "asap/core/aligned_buffer.h"
#include "asap/core/rng.h"
#include "asap/platform/affinity.h"
#include "asap/platform/interleaved_memory.h"
#include "asap/platform/placement.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "forbidden_call.h"
#include "quadratic.h"
#include "sysfs_tree.h"

namespace {

using namespace asap;

using List = std::vector<std::size_t>;

/// All CPUs of the machine, each of them alone, and some random sets.
std::vector<List> masks(const Topology& machine) {
  Rng rng(1, Stream::initial_values);
  std::vector<List> masks(1);
  for (const Cpu& cpu : machine.cpus) {
    masks[0].push_back(cpu.id);
    masks.push_back({cpu.id});
  }
  for (int repeat = 0; repeat < 20; ++repeat) {
    List mask;
    for (const Cpu& cpu : machine.cpus)
      if (rng.bits() % 2 == 0) mask.push_back(cpu.id);
    if (!mask.empty()) masks.push_back(mask);
  }
  return masks;
}

/// Calls test(machine, allowed, cpus) for the order of every machine and mask, cut off after each number of workers
/// that gives no CPU two.
template <class Test>
void for_every_order(Affinity affinity, Test test) {
  for (const Topology& machine : machines::all())
    for (const List& allowed : masks(machine))
      for (std::size_t workers = 1; workers <= allowed.size(); ++workers)
        test(machine, allowed, place(machine, allowed, workers, affinity).cpus);
}

/// How many of these CPUs each core has that is allowed at all.
std::map<std::size_t, std::size_t> per_core(const Topology& machine, const List& allowed, const List& cpus) {
  std::map<std::size_t, std::size_t> count;
  for (const std::size_t cpu : allowed) count[machine.at(cpu).core];
  for (const std::size_t cpu : cpus) ++count[machine.at(cpu).core];
  return count;
}

/// How many cores of each node that is allowed at all have at least `threads` of these CPUs.
std::map<std::size_t, std::size_t> cores_per_node(const Topology& machine, const List& allowed, const List& cpus,
                                                  std::size_t threads) {
  std::map<std::size_t, std::size_t> cores;
  for (const auto& [core, count] : per_core(machine, allowed, cpus)) cores[machine.at(core).node] += count >= threads;
  return cores;
}

constexpr auto kOrders = {Affinity::compact, Affinity::scatter};

/// The mask of the kernel for the page at this address, and the mode in front.
std::pair<int, unsigned long> policy_at(const float* address) {
  int mode = -1;
  unsigned long mask[16] = {};
  syscall(SYS_get_mempolicy, &mode, mask, sizeof mask * 8, address, MPOL_F_ADDR);
  return {mode, mask[0]};
}

/// Remembers in which affinity mask each worker made its workspace.
class Watched final : public Objective {
 public:
  std::size_t num_parameters() const override { return inner_.num_parameters(); }
  std::size_t num_samples() const override { return inner_.num_samples(); }
  std::unique_ptr<Workspace> workspace(std::size_t) const override {
    const std::lock_guard lock(mutex_);
    masks_.push_back(affinity_mask());
    return nullptr;
  }
  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
    return inner_.gradient(theta, batch, workspace, gradient);
  }
  Metrics evaluate(const float* theta, const Batch& batch, Workspace* workspace) const override {
    return inner_.evaluate(theta, batch, workspace);
  }
  std::multiset<List> masks() const { return {masks_.begin(), masks_.end()}; }

 private:
  const Quadratic inner_{10, 64};
  mutable std::mutex mutex_;
  mutable std::vector<List> masks_;
};

Report run(const Objective& objective, std::vector<float>& theta, std::size_t workers, Affinity affinity) {
  theta.assign(objective.num_parameters(), 1.0f);
  return train(objective, theta, {.workers = workers, .batch_size = 8, .epochs = 2, .affinity = affinity});
}

}  // namespace

TEST(every_allowed_cpu_gets_one_worker_before_any_gets_two) {
  for (const Affinity affinity : kOrders)
    for_every_order(affinity, [](const Topology&, const List& allowed, const List& cpus) {
      CHECK_EQUAL(std::set(cpus.begin(), cpus.end()).size(), cpus.size());
      for (const std::size_t cpu : cpus) CHECK(std::ranges::count(allowed, cpu) == 1);
    });
}

TEST(more_workers_than_cpus_start_over) {
  for (const Affinity affinity : kOrders)
    for (const Topology& machine : machines::all())
      for (const List& allowed : masks(machine)) {
        const List cpus = place(machine, allowed, 3 * allowed.size() + 1, affinity).cpus;
        CHECK_EQUAL(cpus.size(), 3 * allowed.size() + 1);
        for (std::size_t w = allowed.size(); w < cpus.size(); ++w) CHECK_EQUAL(cpus[w], cpus[w - allowed.size()]);
      }
}

TEST(fewer_workers_take_the_first_places) {
  for (const Affinity affinity : kOrders)
    for_every_order(affinity, [&](const Topology& machine, const List& allowed, const List& cpus) {
      const List all = place(machine, allowed, allowed.size(), affinity).cpus;
      CHECK(std::equal(cpus.begin(), cpus.end(), all.begin()));
    });
}

TEST(the_order_in_which_cpus_are_given_does_not_matter) {
  for (const Affinity affinity : kOrders)
    for_every_order(affinity, [&](const Topology& machine, List allowed, const List& cpus) {
      std::ranges::reverse(allowed);
      CHECK(place(machine, allowed, cpus.size(), affinity).cpus == cpus);
    });
}

TEST(a_core_gets_another_worker_only_when_no_other_has_fewer_and_room) {
  for (const Affinity affinity : kOrders)
    for_every_order(affinity, [](const Topology& machine, const List& allowed, const List& cpus) {
      const auto used = per_core(machine, allowed, cpus), room = per_core(machine, allowed, allowed);
      for (const auto& [core, count] : used)
        for (const auto& [other, other_count] : used) CHECK(count <= other_count + 1 || other_count == room.at(other));
    });
}

TEST(compact_fills_a_node_before_the_next) {
  for_every_order(Affinity::compact, [](const Topology& machine, const List& allowed, const List& cpus) {
    for (const std::size_t threads : {1, 2}) {
      const auto used = cores_per_node(machine, allowed, cpus, threads);
      const auto room = cores_per_node(machine, allowed, allowed, threads);
      for (const auto& [node, cores] : used)
        for (const auto& [earlier, earlier_cores] : used)
          if (earlier < node && cores > 0) CHECK_EQUAL(earlier_cores, room.at(earlier));
    }
  });
}

TEST(scatter_spreads_evenly_over_nodes_as_long_as_they_have_room) {
  for_every_order(Affinity::scatter, [](const Topology& machine, const List& allowed, const List& cpus) {
    for (const std::size_t threads : {1, 2}) {
      const auto used = cores_per_node(machine, allowed, cpus, threads);
      const auto room = cores_per_node(machine, allowed, allowed, threads);
      for (const auto& [node, cores] : used)
        for (const auto& [other, other_cores] : used) CHECK(cores <= other_cores + 1 || other_cores == room.at(other));
    }
  });
}

TEST(orders_of_a_machine_with_two_sockets) {
  const Topology machine = machines::two_sockets(1);
  List all(16);
  std::iota(all.begin(), all.end(), std::size_t{0});
  CHECK(place(machine, all, 16, Affinity::compact).cpus == all);
  CHECK(place(machine, all, 16, Affinity::scatter).cpus ==
        (List{0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15}));
  CHECK(place(machine, {3, 4, 5, 11, 12}, 5, Affinity::compact).cpus == (List{3, 4, 5, 11, 12}));
  CHECK(place(machine, {3, 4, 5, 11, 12}, 5, Affinity::scatter).cpus == (List{3, 4, 5, 11, 12}));
  CHECK(place(machine, {3, 8, 12}, 3, Affinity::compact).cpus == (List{3, 8, 12}));
}

TEST(without_affinity_no_worker_has_a_cpu) {
  CHECK(place(machines::two_sockets(1), {0, 1}, 2, Affinity::none).cpus.empty());
}

TEST(shared_vectors_are_interleaved_over_the_nodes_where_workers_may_be) {
  const Topology machine = machines::two_sockets(2);
  List all(16);
  std::iota(all.begin(), all.end(), std::size_t{0});
  const auto nodes = [&](const List& allowed, std::size_t workers, Affinity affinity) {
    return place(machine, allowed, workers, affinity).nodes;
  };
  CHECK(nodes(all, 2, Affinity::none) == (List{0, 1, 2, 3}));
  CHECK(nodes({2, 10, 13}, 64, Affinity::none) == (List{1, 2}));
  CHECK(nodes(all, 2, Affinity::compact) == List{0});
  CHECK(nodes(all, 3, Affinity::compact) == (List{0, 1}));
  CHECK(nodes(all, 3, Affinity::scatter) == (List{0, 1, 2}));
  CHECK(nodes({7}, 1, Affinity::compact) == List{3});
  CHECK(nodes(all, 1, Affinity::none).empty());
}

TEST(on_a_machine_with_one_node_nothing_is_interleaved) {
  for (const Topology& machine : {machines::hybrid_laptop(), machines::partly_offline()})
    for (const Affinity affinity : {Affinity::none, Affinity::compact, Affinity::scatter})
      CHECK(place(machine, masks(machine)[0], 4, affinity).nodes.empty());
}

TEST(the_kernel_is_told_nodes_as_bits) {
  CHECK(node_mask({}).empty());
  CHECK((node_mask({0, 3}) == std::vector<unsigned long>{0b1001}));
  CHECK((node_mask({1, 130}) == std::vector<unsigned long>{0b10, 0, 0b100}));
}

TEST(memory_over_nodes_has_that_policy_and_is_zero) {
  InterleavedMemory memory({0});
  constexpr std::size_t kFloats = 5000;
  const AlignedBuffer<float> buffer(kFloats, &memory);
  CHECK(std::ranges::count(buffer.span(), 0.0f) == kFloats);
  if (memory.error()) {
    std::cout << "skipped: mbind is refused here: " << memory.error().message() << "\n";
    return;
  }
  CHECK(memory.nodes() == List{0});
  const auto [mode, nodes] = policy_at(buffer.data() + kFloats / 2);
  CHECK_EQUAL(mode, MPOL_INTERLEAVE);
  CHECK_EQUAL(nodes, 1ul);
}

TEST(without_nodes_the_kernel_is_not_asked) {
  with_forbidden_call(SYS_mbind, [] {
    InterleavedMemory memory({});
    const AlignedBuffer<float> buffer(5000, &memory);
    CHECK(!memory.error());
    CHECK_EQUAL(policy_at(buffer.data() + 2500).first, MPOL_DEFAULT);
  });
}

TEST(a_refusal_to_interleave_does_no_harm) {
  with_forbidden_call(SYS_mbind, [] {
    InterleavedMemory memory({0, 1});
    for (int repeat = 0; repeat < 2; ++repeat) {
      AlignedBuffer<float> buffer(5000, &memory);
      CHECK(std::ranges::count(buffer.span(), 0.0f) == 5000);
      buffer[4999] = 1.0f;
    }
    CHECK(memory.error() == std::errc::operation_not_permitted);
    CHECK(memory.nodes().empty());
  });
}

TEST(a_memory_policy_set_from_outside_stays) {
  std::thread([] {
    const unsigned long node_0 = 1;
    if (syscall(SYS_set_mempolicy, MPOL_BIND, &node_0, 65) != 0) {
      std::cout << "skipped: set_mempolicy is refused here\n";
      return;
    }
    InterleavedMemory memory({0});
    const AlignedBuffer<float> buffer(5000, &memory);
    CHECK(memory.nodes().empty() && !memory.error());
  }).join();
}

TEST(workers_make_their_workspaces_on_their_cpus_and_the_calling_thread_keeps_its_mask) {
  const List mask = affinity_mask();
  for (const Affinity affinity : {Affinity::none, Affinity::compact, Affinity::scatter}) {
    const Watched objective;
    std::vector<float> theta;
    const Report report = run(objective, theta, 5, affinity);
    std::multiset<List> expected;
    for (const std::size_t cpu : report.placement.cpus) expected.insert({cpu});
    if (affinity == Affinity::none) expected = {mask, mask, mask, mask, mask};
    CHECK(objective.masks() == expected);
    CHECK(report.placement.cpus == place(read_topology(), mask, 5, affinity).cpus);
    CHECK_EQUAL(report.placement.unpinned, 0u);
    CHECK(affinity_mask() == mask);
  }
}

TEST(training_goes_on_where_pinning_is_refused) {
  with_forbidden_call(SYS_sched_setaffinity, [] {
    const Watched objective;
    std::vector<float> theta;
    const Report report = run(objective, theta, 3, Affinity::compact);
    CHECK(report.status == Status::completed);
    CHECK_EQUAL(report.counts.published, 16u);
    CHECK_EQUAL(report.placement.unpinned, 3u);
    CHECK_EQUAL(report.placement.cpus.size(), 3u);
    CHECK(report.placement.pin_error == std::errc::operation_not_permitted);
  });
}

TEST(one_worker_gives_the_same_bits_wherever_it_runs) {
  const Quadratic objective(37, 50);
  std::vector<float> unbound, bound;
  run(objective, unbound, 1, Affinity::none);
  for (const Affinity affinity : kOrders) {
    run(objective, bound, 1, affinity);
    CHECK(bound == unbound);
  }
}
