// The words every room shares.
#pragma once

#include <cstddef>
#include <cstdint>

namespace asap {

/// Number of updates published so far: the version of the shared parameters.
using Version = std::uint64_t;

/// Staleness of an update: updates published between its read and its own publication.
using Tau = std::uint64_t;

/// Bytes that must separate data written by different threads.
inline constexpr std::size_t kCacheLine = 64;

}  // namespace asap
