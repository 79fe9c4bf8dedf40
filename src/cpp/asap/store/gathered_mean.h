// The update of several gradients with scales of their own: one arithmetic for n-softsync and for its replay.
#pragma once

#include <algorithm>
#include <span>

#include "asap/store/store.h"

namespace asap {

/// A gradient that went into an update, and its C(τ).
struct GatheredPart {
  float* gradient = nullptr;
  double scale = 0;
  std::size_t worker = 0;
};

/// Leaves Σ (C_l/k)·g_l over the k parts, summed in their order, in the first one, on the components [first, last). One
/// part alone stays as it is.
inline void average(std::span<const GatheredPart> parts, std::size_t first, std::size_t last) {
  if (parts.size() == 1) return;
  const auto weight = [&](const GatheredPart& part) {
    return static_cast<float>(part.scale / static_cast<double>(parts.size()));
  };
  float* mean = parts.front().gradient + first;
  kernels::active().scaled_copy(last - first, weight(parts.front()), mean, mean);
  for (const GatheredPart& part : parts.subspan(1))
    kernels::active().accumulate(last - first, weight(part), part.gradient + first, mean);
}

/// What is left to multiply that by.
inline double scale_of_mean(std::span<const GatheredPart> parts) {
  return parts.size() == 1 ? parts.front().scale : 1.0;
}

/// to = from − (η/k)·Σ C_l·g_l over the k parts, summed in their order; overwrites the first one. One part alone is a
/// plain advance(), bit for bit. The new parameters also go into `copy`, if given.
inline void advance_by_mean(const StateLayout& layout, double rate, std::span<const GatheredPart> parts,
                            const float* from, float* to, float* copy = nullptr) {
  const Step step{rate, scale_of_mean(parts)};
  const float* mean = parts.front().gradient;
  for (std::size_t first = 0; first < layout.parameters(); first += kPiece) {
    const std::size_t last = std::min(first + kPiece, layout.parameters());
    average(parts, first, last);
    advance(layout, {step, mean}, from, to, first, last);
    if (copy) kernels::active().copy(last - first, to + first, copy + first);
  }
}

}  // namespace asap
