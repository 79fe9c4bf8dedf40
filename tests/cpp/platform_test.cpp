// What the machine is and what this process may use of it, read from files of other machines.
#include <thread>

#include "asap/core/rng.h"
#include "asap/platform/affinity.h"
#include "asap/platform/cpus.h"
#include "asap/platform/topology.h"
#include "check.h"
#include "sysfs_tree.h"

namespace {

using namespace asap;
using machines::SysfsTree;

using List = std::vector<std::size_t>;

/// A tree with a cgroup hierarchy and the membership of this process.
struct Cgroups : SysfsTree {
  void group(const std::string& path, const std::string& file, const std::string& text) {
    write("fs/cgroup/" + path + "/" + file, text);
  }
  void member(const std::string& lines) { write("membership", lines); }
  std::optional<double> quota() const { return cpu_quota(root(), root() / "membership"); }
};

}  // namespace

TEST(lists_of_numbers_read_as_the_kernel_writes_them) {
  CHECK(sysfs::parse_list("0-3,8,10-11") == (List{0, 1, 2, 3, 8, 10, 11}));
  CHECK(sysfs::parse_list("7") == List{7});
  CHECK(sysfs::parse_list("") == List{});
  CHECK_EQUAL(sysfs::format_list({0, 1, 2, 3, 8, 10, 11}), "0-3,8,10-11");
  CHECK_EQUAL(sysfs::format_list({}), "");
}

TEST(a_list_written_and_read_is_the_same) {
  Rng rng(1, Stream::initial_values);
  for (int repeat = 0; repeat < 100; ++repeat) {
    List numbers;
    for (std::size_t number = 0; number < 200; ++number)
      if (rng.bits() % 4 > 0) numbers.push_back(number);
    CHECK(sysfs::parse_list(sysfs::format_list(numbers)) == numbers);
  }
}

TEST(what_is_no_list_ends_it) {
  for (const char* text : {"x", "-1", ",2", "(null)"}) CHECK(sysfs::parse_list(text) == List{});
  CHECK(sysfs::parse_list("1,x") == List{1});
  CHECK(sysfs::parse_list("1,3-") == List{1});
  CHECK(sysfs::parse_list("5-3") == List{});
}

TEST(a_machine_is_read_as_it_was_written) {
  for (const Topology& machine : machines::all()) {
    SysfsTree tree;
    tree.write_cpus(machine);
    tree.write_nodes(machine);
    CHECK(read_topology(tree.root()).cpus == machine.cpus);
  }
}

// The files of a virtual machine with two CPUs, as `head` showed them.
TEST(a_recorded_machine_is_read) {
  SysfsTree tree;
  tree.write("devices/system/cpu/online", "0-1");
  tree.write("devices/system/cpu/possible", "0-1");
  tree.write("devices/system/node/online", "0");
  tree.write("devices/system/node/node0/cpulist", "0-1");
  for (const std::string cpu : {"0", "1"}) {
    const std::string folder = "devices/system/cpu/cpu" + cpu;
    tree.write(folder + "/topology/thread_siblings_list", cpu);
    tree.write(folder + "/topology/core_siblings_list", "0-1");
    tree.write(folder + "/topology/physical_package_id", "0");
    for (const std::string index : {"0", "1", "2", "3"}) {
      tree.write(folder + "/cache/index" + index + "/level", index == "0" ? "1" : index);
      tree.write(folder + "/cache/index" + index + "/type", index == "0"   ? "Data"
                                                            : index == "1" ? "Instruction"
                                                                           : "Unified");
      tree.write(folder + "/cache/index" + index + "/size", index < "2" ? "32K" : index == "2" ? "1024K" : "32768K");
      tree.write(folder + "/cache/index" + index + "/shared_cpu_list", index == "3" ? "0-1" : cpu);
    }
  }
  const Topology topology = read_topology(tree.root());
  CHECK(topology.cpus == (std::vector<Cpu>{{0, 0, 0, 0}, {1, 1, 0, 0}}));
  CHECK(read_caches(topology, tree.root()) ==
        (std::vector<Caches>{{"L1d", 32 << 10, 1, 2}, {"L2", 1 << 20, 1, 2}, {"L3", 32 << 20, 2, 1}}));
}

TEST(cpus_that_are_offline_are_left_out) {
  SysfsTree tree;
  tree.write_cpus(machines::partly_offline(), {1, 6});
  CHECK(read_topology(tree.root()).with(&Cpu::socket, 0) == (List{0, 2, 3, 4, 5, 7}));
}

TEST(without_nodes_there_is_one) {
  SysfsTree tree;
  tree.write_cpus(machines::two_sockets(1));
  const Topology topology = read_topology(tree.root());
  CHECK(topology.all(&Cpu::node) == List{0});
  CHECK(topology.all(&Cpu::socket) == (List{0, 1}));
}

TEST(a_socket_that_is_unknown_is_the_first) {
  SysfsTree tree;
  tree.write_cpus({{{0, 0, 0, 0}}});
  tree.write("devices/system/cpu/cpu0/topology/physical_package_id", "-1");
  CHECK(read_topology(tree.root()).cpus == std::vector<Cpu>{Cpu{}});
}

TEST(without_a_tree_every_cpu_of_the_mask_is_a_core_of_one_socket_and_node) {
  const SysfsTree tree;
  const Topology topology = read_topology(tree.root() / "missing");
  CHECK(topology.with(&Cpu::node, 0) == affinity_mask());
  CHECK(topology.all(&Cpu::core) == affinity_mask());
  CHECK_EQUAL(topology.max_threads_per_core(), 1u);
  CHECK(read_caches(topology, tree.root()).empty());
}

TEST(counts_of_a_machine_follow_from_its_cpus) {
  const Topology machine = machines::two_sockets(2);
  CHECK(machine.all(&Cpu::node) == (List{0, 1, 2, 3}));
  CHECK_EQUAL(machine.all(&Cpu::core).size(), 8u);
  CHECK_EQUAL(machine.max_threads_per_core(), 2u);
  CHECK(machine.with(&Cpu::node, 1) == (List{2, 3, 10, 11}));
  CHECK_EQUAL(machines::hybrid_laptop().max_threads_per_core(), 2u);
}

TEST(a_cpu_that_is_not_listed_is_a_core_of_its_own) {
  CHECK(machines::two_sockets(1).at(99) == (Cpu{99, 99, 0, 0}));
  CHECK(machines::two_sockets(1).at(13) == (Cpu{13, 5, 1, 1}));
}

TEST(caches_are_counted_once_per_kind) {
  SysfsTree tree;
  const Topology laptop = machines::hybrid_laptop();
  tree.write_cpus(laptop);
  for (const std::size_t core : laptop.all(&Cpu::core)) {
    tree.write_cache(0, 1, "Data", core < 4 ? "48K" : "32K", laptop.with(&Cpu::core, core));
    tree.write_cache(1, 1, "Instruction", "64K", laptop.with(&Cpu::core, core));
  }
  tree.write_cache(2, 2, "Unified", "1280K", {0, 1});
  tree.write_cache(2, 2, "Unified", "1280K", {2, 3});
  tree.write_cache(2, 2, "Unified", "2M", {4, 5, 6, 7});
  tree.write_cache(3, 3, "Unified", "12288K", {0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(read_caches(laptop, tree.root()) == (std::vector<Caches>{{"L1d", 48 << 10, 2, 2},
                                                                 {"L1d", 32 << 10, 1, 4},
                                                                 {"L2", 2 << 20, 4, 1},
                                                                 {"L2", 1280 << 10, 2, 2},
                                                                 {"L3", 12 << 20, 8, 1}}));
}

TEST(a_quota_of_version_2_counts_cpus) {
  Cgroups tree;
  CHECK(!tree.quota());
  tree.group("", "cpu.max", "max 100000");
  CHECK(!tree.quota());
  tree.group("", "cpu.max", "150000 100000");
  CHECK(tree.quota() == 1.5);
}

TEST(a_quota_of_version_1_counts_cpus) {
  Cgroups tree;
  tree.group("cpu", "cpu.cfs_period_us", "50000");
  tree.group("cpu", "cpu.cfs_quota_us", "-1");
  CHECK(!tree.quota());
  tree.group("cpu", "cpu.cfs_quota_us", "200000");
  CHECK(tree.quota() == 4.0);
}

TEST(the_least_quota_on_the_way_up_holds) {
  Cgroups tree;
  tree.member("0::/user/session");
  tree.group("user", "cpu.max", "300000 100000");
  tree.group("user/session", "cpu.max", "max 100000");
  tree.group("other", "cpu.max", "100000 100000");
  CHECK(tree.quota() == 3.0);
  tree.group("user/session", "cpu.max", "200000 100000");
  CHECK(tree.quota() == 2.0);
  tree.group("", "cpu.max", "50000 100000");
  CHECK(tree.quota() == 0.5);
}

TEST(the_group_is_that_of_the_cpu_controller) {
  Cgroups tree;
  tree.member("5:cpuset:/wrong\n4:cpu,cpuacct:/box\n0::/");
  tree.group("cpu/wrong", "cpu.cfs_period_us", "100000");
  tree.group("cpu/wrong", "cpu.cfs_quota_us", "100000");
  tree.group("cpu/box", "cpu.cfs_period_us", "100000");
  tree.group("cpu/box", "cpu.cfs_quota_us", "700000");
  CHECK(tree.quota() == 7.0);
}

TEST(a_group_that_only_the_host_knows_grants_everything) {
  Cgroups tree;
  tree.member("0::/../../host/container");
  tree.group("", "cpu.max", "400000 100000");
  CHECK(tree.quota() == 4.0);
}

TEST(usable_cpus_are_those_of_the_mask_or_the_quota_rounded_up) {
  const std::size_t mask = affinity_mask().size();
  Cgroups tree;
  const auto usable = [&] { return usable_cpus(tree.root(), tree.root() / "membership"); };
  CHECK_EQUAL(usable(), mask);
  tree.group("", "cpu.max", "10000 100000");
  CHECK_EQUAL(usable(), 1u);
  tree.group("", "cpu.max", "110000 100000");
  CHECK_EQUAL(usable(), mask > 2 ? 2 : mask);
  tree.group("", "cpu.max", "999900000 100000");
  CHECK_EQUAL(usable(), mask);
}

TEST(a_thread_is_pinned_alone) {
  const List before = affinity_mask();
  for (const std::size_t cpu : before) {
    List pinned;
    std::error_code error;
    std::thread([&] {
      error = pin_this_thread(cpu);
      pinned = affinity_mask();
    }).join();
    CHECK(!error);
    CHECK(pinned == List{cpu});
    CHECK(affinity_mask() == before);
  }
}

TEST(a_cpu_that_is_not_there_is_refused_and_the_mask_stays) {
  const List before = affinity_mask();
  CHECK(pin_this_thread(100'000) == std::errc::invalid_argument);
  CHECK(affinity_mask() == before);
}
