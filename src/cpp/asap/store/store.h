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

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <memory_resource>
#include <span>

#include "asap/core/aligned_buffer.h"
#include "asap/core/types.h"
#include "asap/kernels/kernels.h"
#include "asap/step/step_rule.h"
#include "asap/store/start.h"

namespace asap {

/// How the shared state lies in memory: θ, and behind it the velocity u when there is momentum, each from a cache line
/// on, in `memory`, which must outlive the store.
class StateLayout {
 public:
  explicit StateLayout(std::size_t parameters, float momentum = 0.0f,
                       std::pmr::memory_resource* memory = std::pmr::new_delete_resource())
      : parameters_(parameters),
        momentum_(momentum),
        memory_(memory),
        stride_((parameters + kLineFloats - 1) / kLineFloats * kLineFloats) {}

  static constexpr std::size_t kLineFloats = kCacheLine / sizeof(float);

  std::size_t parameters() const { return parameters_; }
  std::size_t size() const { return momentum_ != 0.0f ? 2 * stride_ : stride_; }  ///< floats of a whole state
  float momentum() const { return momentum_; }
  std::pmr::memory_resource* memory() const { return memory_; }
  const float* velocity(const float* state) const { return momentum_ != 0.0f ? state + stride_ : nullptr; }
  float* velocity(float* state) const { return momentum_ != 0.0f ? state + stride_ : nullptr; }

 private:
  std::size_t parameters_;
  float momentum_;
  std::pmr::memory_resource* memory_;
  std::size_t stride_;
};

/// The update arithmetic of every engine, on the components [first, last): to = from − η·C·g (REFERENCE §1). `to` may
/// be `from`. The bits of a component depend on its own inputs only, not on the range or the place.
inline void advance(const StateLayout& layout, const Step& step, const float* gradient, const float* from, float* to,
                    std::size_t first, std::size_t last) {
  const kernels::Coefficients coefficients{static_cast<float>(step.rate), static_cast<float>(step.scale),
                                           layout.momentum()};
  const float* velocity = layout.velocity(from);
  float* velocity_to = layout.velocity(to);
  kernels::active().advance(last - first, coefficients, gradient + first, from + first,
                            velocity ? velocity + first : nullptr, to + first,
                            velocity_to ? velocity_to + first : nullptr);
}

inline void advance(const StateLayout& layout, const Step& step, const float* gradient, const float* from, float* to) {
  advance(layout, step, gradient, from, to, 0, layout.parameters());
}

/// Floats that several passes go over one after the other while they are in the nearest cache.
inline constexpr std::size_t kPiece = 128 * StateLayout::kLineFloats;

/// advance(), and copies the new parameters.
inline void advance_and_copy(const StateLayout& layout, const Step& step, const float* gradient, const float* from,
                             float* to, float* copy) {
  for (std::size_t first = 0; first < layout.parameters(); first += kPiece) {
    const std::size_t last = std::min(first + kPiece, layout.parameters());
    advance(layout, step, gradient, from, to, first, last);
    kernels::active().copy(last - first, to + first, copy + first);
  }
}

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
  Step step() const { return {rate, scale}; }
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
