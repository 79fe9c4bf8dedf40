// The engines as plain values: who may read and write the shared parameters when (REFERENCE: engines).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <variant>

namespace asap::engine {

/// Where a worker computes its gradients: on the shared parameters, or on a copy of its own. `automatic` chooses the
/// faster one (make_store.h).
enum class Read { automatic, in_place, copy };

/// One worker, in place.
struct Sequential {
  static constexpr std::string_view kName = "sequential";
};

/// m gradients on one version, one averaged update per round, behind a barrier.
struct Synchronous {
  static constexpr std::string_view kName = "synchronous";
};

/// Lock-based AsyncSGD: copies under a mutex, updates under the mutex.
struct Locked {
  static constexpr std::string_view kName = "locked";
};

/// Hogwild!: unsynchronised component by component.
struct Hogwild {
  static constexpr std::string_view kName = "hogwild";
  Read read = Read::automatic;
};

/// Hogwild! whose gradients are added to the shared vector weight by weight as the backward pass computes them, and
/// never stored. Needs a FusibleObjective; knows no momentum.
struct FusedHogwild {
  static constexpr std::string_view kName = "fused-hogwild";
  Read read = Read::automatic;
};

/// Leashed-SGD: immutable published vectors, replaced by compare-and-swap. A gradient whose publication failed is
/// retried at most `persistence` times, then dropped.
struct Leashed {
  static constexpr std::string_view kName = "leashed";
  static constexpr std::uint64_t kUnbounded = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t persistence = kUnbounded;
  Read read = Read::automatic;
};

/// n-softsync: one update for every ⌊m/n⌋ gradients, 1 ≤ n ≤ m; nobody waits.
struct Softsync {
  static constexpr std::string_view kName = "softsync";
  static constexpr std::size_t kWorkers = 0;  ///< n = m: every gradient is an update (Downpour SGD)
  std::size_t n = kWorkers;
  std::size_t gradients(std::size_t workers) const { return n == kWorkers ? 1 : workers / n; }  ///< c = ⌊m/n⌋
};

using Engine = std::variant<Sequential, Synchronous, Locked, Hogwild, FusedHogwild, Leashed, Softsync>;

}  // namespace asap::engine
