// How many processors this process may use.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "asap/platform/sysfs.h"

namespace asap {

/// The processor time that cgroups (version 2 or 1, below <sysfs>/fs/cgroup) grant this process, in CPUs: 1.5 is one
/// and a half second per second. The least quota of its group and all groups above; nothing where none is set.
/// `membership` tells the group.
std::optional<double> cpu_quota(const std::filesystem::path& sysfs = sysfs::kRoot,
                                const std::filesystem::path& membership = "/proc/self/cgroup");

/// Processors in the affinity mask, or fewer when the quota grants less time than that: the quota rounded up. At
/// least 1.
std::size_t usable_cpus(const std::filesystem::path& sysfs = sysfs::kRoot,
                        const std::filesystem::path& membership = "/proc/self/cgroup");

}  // namespace asap
