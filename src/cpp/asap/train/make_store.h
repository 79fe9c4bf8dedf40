// From an engine's plain value to its store.
#pragma once

#include "asap/store/fused_hogwild.h"
#include "asap/store/hogwild.h"
#include "asap/store/leashed.h"
#include "asap/store/locked.h"
#include "asap/store/sequential.h"
#include "asap/store/softsync.h"
#include "asap/store/synchronous.h"
#include "asap/train/engine.h"

namespace asap {

/// Whether workers compute gradients on copies. Several do so by default, since a line that two cores have read costs
/// its next writer several times one that only another core has written (docs/decisions.md, Contention); but on vectors
/// that outgrow the cache the copies themselves cost more.
inline bool copies(engine::Read read, const StateLayout& layout, std::size_t workers) {
  constexpr std::size_t kMostParameters = std::size_t{1} << 19;
  if (read == engine::Read::automatic) return workers > 1 && layout.parameters() <= kMostParameters;
  return read == engine::Read::copy;
}

inline SequentialStore make_store(const engine::Sequential&, StateLayout layout, std::size_t, const Start& start) {
  return SequentialStore(layout, start);
}

inline SynchronousStore make_store(const engine::Synchronous&, StateLayout layout, std::size_t workers,
                                   const Start& start) {
  return SynchronousStore(layout, workers, start);
}

inline LockedStore make_store(const engine::Locked&, StateLayout layout, std::size_t workers, const Start& start) {
  return LockedStore(layout, workers, start);
}

inline HogwildStore make_store(const engine::Hogwild& hogwild, StateLayout layout, std::size_t workers,
                               const Start& start) {
  const bool copy = copies(hogwild.read, layout, workers) || correction::needs_view(layout.correction());
  return HogwildStore(layout, workers, start, copy);
}

/// A fused update writes each line once and reads none: copies are made only on demand.
inline FusedHogwildStore make_store(const engine::FusedHogwild& hogwild, StateLayout layout, std::size_t workers,
                                    const Start& start) {
  return FusedHogwildStore(layout, workers, start, hogwild.read == engine::Read::copy);
}

inline LeashedStore make_store(const engine::Leashed& leashed, StateLayout layout, std::size_t workers,
                               const Start& start) {
  return LeashedStore(layout, workers, start, leashed.persistence, copies(leashed.read, layout, workers));
}

inline SoftsyncStore make_store(const engine::Softsync& softsync, StateLayout layout, std::size_t workers,
                                const Start& start) {
  return SoftsyncStore(layout, workers, start, softsync.gradients(workers));
}

}  // namespace asap
