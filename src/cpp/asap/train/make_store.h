// From an engine's plain value to its store.
#pragma once

#include "asap/store/fused_hogwild.h"
#include "asap/store/hogwild.h"
#include "asap/store/leashed.h"
#include "asap/store/locked.h"
#include "asap/store/sequential.h"
#include "asap/store/synchronous.h"
#include "asap/train/engine.h"

namespace asap {

inline SequentialStore make_store(const engine::Sequential&, StateLayout layout, std::size_t,
                                  std::span<const float> start) {
  return SequentialStore(layout, start);
}

inline SynchronousStore make_store(const engine::Synchronous&, StateLayout layout, std::size_t workers,
                                   std::span<const float> start) {
  return SynchronousStore(layout, workers, start);
}

inline LockedStore make_store(const engine::Locked&, StateLayout layout, std::size_t workers,
                              std::span<const float> start) {
  return LockedStore(layout, workers, start);
}

inline HogwildStore make_store(const engine::Hogwild& hogwild, StateLayout layout, std::size_t workers,
                               std::span<const float> start) {
  return HogwildStore(layout, workers, start, hogwild.copy);
}

inline FusedHogwildStore make_store(const engine::FusedHogwild& hogwild, StateLayout layout, std::size_t workers,
                                    std::span<const float> start) {
  return FusedHogwildStore(layout, workers, start, hogwild.copy);
}

inline LeashedStore make_store(const engine::Leashed& leashed, StateLayout layout, std::size_t workers,
                               std::span<const float> start) {
  return LeashedStore(layout, workers, start, leashed.persistence);
}

}  // namespace asap
