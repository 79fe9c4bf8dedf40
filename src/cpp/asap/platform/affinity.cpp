#include "asap/platform/affinity.h"

#include <sched.h>

#include <cerrno>
#include <numeric>
#include <thread>

namespace asap {
namespace {

/// A mask of so many cpu_set_t in a row: machines may have more CPUs than fit in one.
class Mask {
 public:
  explicit Mask(std::size_t sets) : sets_(sets) {}

  cpu_set_t* data() { return sets_.data(); }
  std::size_t bytes() const { return sets_.size() * sizeof(cpu_set_t); }
  std::size_t num_cpus() const { return sets_.size() * CPU_SETSIZE; }
  bool has(std::size_t cpu) const { return CPU_ISSET_S(cpu, bytes(), sets_.data()); }
  void add(std::size_t cpu) { CPU_SET_S(cpu, bytes(), sets_.data()); }

 private:
  std::vector<cpu_set_t> sets_;
};

constexpr std::size_t kMaxSets = 1024;  // a million CPUs

/// The system refuses a mask that is too short (EINVAL).
Mask current_mask() {
  for (std::size_t sets = 1; sets <= kMaxSets; sets *= 2) {
    Mask mask(sets);
    if (sched_getaffinity(0, mask.bytes(), mask.data()) == 0) return mask;
    if (errno != EINVAL) break;
  }
  return Mask(0);
}

}  // namespace

std::vector<std::size_t> affinity_mask() {
  const Mask mask = current_mask();
  std::vector<std::size_t> cpus;
  for (std::size_t cpu = 0; cpu < mask.num_cpus(); ++cpu)
    if (mask.has(cpu)) cpus.push_back(cpu);
  if (cpus.empty()) {  // a sandbox does not tell
    cpus.resize(std::max(1u, std::thread::hardware_concurrency()));
    std::iota(cpus.begin(), cpus.end(), std::size_t{0});
  }
  return cpus;
}

std::error_code pin_this_thread(std::size_t cpu) {
  Mask mask(cpu / CPU_SETSIZE + 1);
  mask.add(cpu);
  if (sched_setaffinity(0, mask.bytes(), mask.data()) == 0) return {};
  return {errno, std::generic_category()};
}

}  // namespace asap
