#include "asap/platform/cpus.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>

#include "asap/platform/affinity.h"

namespace asap {
namespace {

using Path = std::filesystem::path;

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

double ratio(double quota, double period) { return quota > 0 && period > 0 ? quota / period : kNoQuota; }

/// cpu.max holds "<quota> <period>" in microseconds, or "max <period>".
double quota_v2(const Path& group) {
  std::ifstream file(group / "cpu.max");
  double quota = 0, period = 0;
  return file >> quota >> period ? ratio(quota, period) : kNoQuota;
}

double quota_v1(const Path& group) {
  std::ifstream quota_file(group / "cpu.cfs_quota_us"), period_file(group / "cpu.cfs_period_us");
  double quota = 0, period = 0;
  return quota_file >> quota && period_file >> period ? ratio(quota, period) : kNoQuota;
}

/// Whether the comma-separated list has this word.
bool has_word(const std::string& list, const std::string& word) {
  return ("," + list + ",").find("," + word + ",") != std::string::npos;
}

/// The group of this process from lines "<number>:<controllers>:<path>"; version 2 has no controllers. The root when
/// there is no such line.
Path group_of(const Path& membership, const std::string& controller) {
  std::ifstream file(membership);
  for (std::string number, controllers, path;
       std::getline(file, number, ':') && std::getline(file, controllers, ':') && std::getline(file, path);)
    if (controller.empty() ? controllers.empty() : has_word(controllers, controller))
      return Path(path).lexically_normal().relative_path();
  return {};
}

/// The least quota on the way from the group up to the root of the hierarchy. Containers may be shown the path that
/// their host knows: groups that are not there grant everything.
double least_quota(const Path& hierarchy, Path group, double (*quota)(const Path&)) {
  double least = quota(hierarchy);
  for (; !group.empty(); group = group.parent_path()) least = std::min(least, quota(hierarchy / group));
  return least;
}

}  // namespace

std::optional<double> cpu_quota(const Path& sysfs, const Path& membership) {
  const Path root = sysfs / "fs/cgroup";
  const double quota = std::min(least_quota(root, group_of(membership, ""), &quota_v2),
                                least_quota(root / "cpu", group_of(membership, "cpu"), &quota_v1));
  return quota < kNoQuota ? std::optional(quota) : std::nullopt;
}

std::size_t usable_cpus(const Path& sysfs, const Path& membership) {
  const double quota = std::ceil(cpu_quota(sysfs, membership).value_or(kNoQuota));
  const auto mask = static_cast<double>(affinity_mask().size());
  return static_cast<std::size_t>(std::max(1.0, std::min(mask, quota)));
}

}  // namespace asap
