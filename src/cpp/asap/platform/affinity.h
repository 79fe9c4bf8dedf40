// The affinity mask: on which CPUs the operating system lets a thread run.
#pragma once

#include <cstddef>
#include <system_error>
#include <vector>

namespace asap {

/// The CPUs that the calling thread may use, ascending; threads that it starts inherit them.
std::vector<std::size_t> affinity_mask();

/// Lets the calling thread run on this CPU alone, and no other thread. Returns the system's error, if any: the CPU is
/// offline or out of bounds, or a sandbox forbids the call; the mask is then as it was.
std::error_code pin_this_thread(std::size_t cpu);

}  // namespace asap
