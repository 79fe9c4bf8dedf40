// A store: the shared parameters of one engine. All engines have the same five calls, so that one worker loop serves
// them all, and other programs can embed a store without models or the trainer:
//
//   auto store = asap::LeashedStore(asap::StateLayout(d), m, start);
//   auto handle = store.handle(w);                      // one per worker, made before its loop
//   asap::View view = store.read(handle);               // parameters to compute the gradient on, and their version
//   std::copy(g.begin(), g.end(), handle.gradient.data());
//   do {
//     store.prepare(handle, rule);                      // τ, C(τ) and a candidate vector, where the engine has one
//   } while (store.commit(handle).outcome == asap::Outcome::retry);   // one attempt to publish
//   store.leave(handle);                                // when the worker ends, whatever the reason
//
// `snapshot` copies the beginning of the state at any time, from any thread: the parameters, or all of it.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>

#include "asap/core/aligned_buffer.h"
#include "asap/core/types.h"
#include "asap/step/step_rule.h"
#include "asap/store/start.h"
#include "asap/store/state_layout.h"
#include "asap/store/update.h"

namespace asap {

/// Parameters to read, with the version they belong to. Valid until the handle's next prepare() (in place for Leashed).
struct View {
  const float* theta = nullptr;
  Version version = 0;
};

/// The numbers are those of trace files.
enum class Outcome : std::uint8_t {
  published = 0,  ///< a new version exists
  merged = 1,     ///< the gradient is part of a round's update that another worker reports
  retry = 2,      ///< somebody else published first: prepare and commit again
  dropped = 3,    ///< the persistence bound is reached, the gradient is given up
  rejected = 4,   ///< C(τ) = 0: nothing was written
  skipped = 5,    ///< the gradient was not finite, and no store saw it; never in a trace
  gathered = 6,   ///< the gradient, with its own τ and C, is part of an update that another one completes (softsync)
};

/// What became of an update. `replaced`, τ, scale and rate belong to the last attempt.
struct Receipt {
  Outcome outcome = Outcome::retry;
  Version read = 0, replaced = 0;
  std::uint64_t attempts = 0;  ///< tries to publish so far
  double scale = 0, rate = 0;

  Tau tau() const { return replaced - read; }
  Step step() const { return {rate, scale, replaced}; }
  void apply(const Step& step) {
    scale = step.scale;
    rate = step.rate;
  }
};

/// What a worker owns in every engine.
struct Handle {
  explicit Handle(const StateLayout& layout, bool has_gradient = true)
      : gradient(has_gradient ? layout.parameters() : 0) {}

  AlignedBuffer<float> gradient;  ///< the worker writes its gradient here between read() and prepare()
  std::size_t samples = 1;        ///< behind the gradient: its weight where gradients are averaged
  const StepRule* rule = nullptr;
  Receipt receipt;
};

/// Vectors held by a store, as a result to report.
struct Vectors {
  std::size_t high_water = 0;  ///< alive at the same time, at most; gradients not counted
  std::uint64_t rescans = 0;   ///< searches of the pool that had to start over
};

template <class S>
concept Store = requires(S store, typename S::Handle& handle, const StepRule& rule, std::span<float> out) {
  { store.handle(std::size_t{}) } -> std::same_as<typename S::Handle>;
  { store.read(handle) } -> std::same_as<View>;
  { store.prepare(handle, rule) };
  { store.commit(handle) } -> std::same_as<Receipt>;
  { store.leave(handle) };
  { store.snapshot(out) } -> std::same_as<Version>;
  { store.vectors() } -> std::same_as<Vectors>;
};

}  // namespace asap
