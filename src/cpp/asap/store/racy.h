// Hogwild!'s deliberate race: threads write and read the same floats without synchronisation, here and, by leave of
// kReadInPlace and kWriteInPlace, in the kernels of the model: those of both passes read them where gradients are
// computed in place, those that write weight gradients add to them in the fused form. Nothing else does.
//
// In the language's sense a race on plain floats is undefined; on the processors we build for, aligned 4-byte elements
// do not tear, so each component read is one that somebody wrote, and a concurrent update of the same component may be
// lost. The vectorised kernels are 7 times faster than loops of relaxed atomics (docs/decisions.md). Builds under
// ThreadSanitizer use those loops instead, and let model kernels read and add to copies, so that every other race is
// still reported.
#pragma once

#include "asap/store/store.h"

#if defined(__SANITIZE_THREAD__)
#define ASAP_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ASAP_THREAD_SANITIZER 1
#endif
#endif

#ifdef ASAP_THREAD_SANITIZER
#include <atomic>
#endif

namespace asap::racy {

#ifdef ASAP_THREAD_SANITIZER

/// Whether gradients may be computed on the shared floats themselves, and added to them as they are computed.
inline constexpr bool kReadInPlace = false, kWriteInPlace = false;

inline float load(const float& x) { return std::atomic_ref(const_cast<float&>(x)).load(std::memory_order_relaxed); }
inline void store(float& x, float value) { std::atomic_ref(x).store(value, std::memory_order_relaxed); }

inline void copy(std::size_t n, const float* from, float* to) {
  for (std::size_t i = 0; i < n; ++i) to[i] = load(from[i]);
}

/// In place, one component at a time as a state of its own, so that the bits are those of the release build.
inline void advance(const StateLayout& layout, const ScaledGradient& update, float* state, std::size_t first,
                    std::size_t last) {
  const StateLayout single(1, layout.momentum(), layout.memory(), layout.correction());
  alignas(kCacheLine) float own[3 * StateLayout::kLineFloats] = {};
  float* const parts[] = {state, layout.velocity(state), layout.movement(state)};
  float* const own_parts[] = {own, single.velocity(own), single.movement(own)};
  for (std::size_t i = first; i < last; ++i) {
    for (std::size_t part = 0; part < 3; ++part)
      if (parts[part]) *own_parts[part] = load(parts[part][i]);
    const float* view = update.view ? update.view + i : nullptr;
    asap::advance(single, {update.step, update.gradient + i, view}, own, own);
    for (std::size_t part = 0; part < 3; ++part)
      if (parts[part]) store(parts[part][i], *own_parts[part]);
  }
}

inline void add(std::size_t n, const float* x, float* sum) {
  for (std::size_t i = 0; i < n; ++i) store(sum[i], load(sum[i]) + x[i]);
}

inline void multiply(std::size_t n, float factor, float* x) {
  for (std::size_t i = 0; i < n; ++i) store(x[i], factor * load(x[i]));
}

#else

inline constexpr bool kReadInPlace = true, kWriteInPlace = true;

inline void copy(std::size_t n, const float* from, float* to) { kernels::active().copy(n, from, to); }

inline void advance(const StateLayout& layout, const ScaledGradient& update, float* state, std::size_t first,
                    std::size_t last) {
  asap::advance(layout, update, state, state, first, last);
}

inline void add(std::size_t n, const float* x, float* sum) { kernels::active().accumulate(n, 1.0f, x, sum); }
inline void multiply(std::size_t n, float factor, float* x) { kernels::active().scaled_copy(n, factor, x, x); }

#endif

}  // namespace asap::racy
