#include "asap/platform/cpus.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <thread>

namespace asap {
namespace {

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

std::size_t cpus_in_mask() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) return static_cast<std::size_t>(CPU_COUNT(&mask));
  return std::thread::hardware_concurrency();  // more processors than a cpu_set_t holds
}

double ratio(double quota, double period) { return quota > 0 && period > 0 ? quota / period : kNoQuota; }

/// cpu.max holds "<quota> <period>" in microseconds, or "max <period>".
double quota_v2(const std::filesystem::path& root) {
  std::ifstream file(root / "cpu.max");
  double quota = 0, period = 0;
  return file >> quota >> period ? ratio(quota, period) : kNoQuota;
}

double quota_v1(const std::filesystem::path& root) {
  std::ifstream quota_file(root / "cpu" / "cpu.cfs_quota_us"), period_file(root / "cpu" / "cpu.cfs_period_us");
  double quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? ratio(quota, period) : kNoQuota;
}

}  // namespace

std::size_t usable_cpus(const std::filesystem::path& cgroup_root) {
  const double quota = std::ceil(std::min(quota_v2(cgroup_root), quota_v1(cgroup_root)));
  const auto mask = static_cast<double>(cpus_in_mask());
  return static_cast<std::size_t>(std::max(1.0, std::min(mask, quota)));
}

}  // namespace asap
