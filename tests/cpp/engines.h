// The engines of which several tests ask the same, and how many workers they take.
#pragma once

#include <vector>

#include "asap/train/engine.h"

namespace engines {

using asap::engine::Engine;

/// One of each kind that takes any objective.
inline const std::vector<Engine> kOfEachKind{asap::engine::Sequential{}, asap::engine::Synchronous{},
                                             asap::engine::Locked{},     asap::engine::Hogwild{},
                                             asap::engine::Leashed{},    asap::engine::Softsync{.n = 1}};

/// Whether it has one worker.
inline bool alone(const Engine& engine) { return std::holds_alternative<asap::engine::Sequential>(engine); }

/// As many as `several`, where it takes them.
inline std::size_t workers_of(const Engine& engine, std::size_t several) { return alone(engine) ? 1 : several; }

}  // namespace engines
