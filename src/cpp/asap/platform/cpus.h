// How many processors this process may use.
#pragma once

#include <cstddef>
#include <filesystem>

namespace asap {

/// Processors in the affinity mask, or fewer when a cgroup quota (version 2 or 1, below `cgroup_root`) grants less time
/// than that: the quota rounded up. At least 1.
std::size_t usable_cpus(const std::filesystem::path& cgroup_root = "/sys/fs/cgroup");

}  // namespace asap
