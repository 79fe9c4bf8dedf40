// The one update arithmetic of every engine: to = from − η·C·g (REFERENCE §1), with g corrected where that is asked
// for. The bits of a component depend on its own inputs only, not on the range or the place.
#pragma once

#include <algorithm>
#include <cmath>

#include "asap/kernels/kernels.h"
#include "asap/step/step_rule.h"
#include "asap/store/state_layout.h"

namespace asap {

/// What a state is advanced by.
struct ScaledGradient {
  Step step;
  const float* gradient = nullptr;
  const float* view = nullptr;  ///< θ that it was computed on; only corrections look at it
};

/// Floats that several passes go over one after the other while they are in the nearest cache.
inline constexpr std::size_t kPiece = 128 * StateLayout::kLineFloats;

namespace detail {

/// `gradient` is that of the components [first, last).
inline void advance_by(const StateLayout& layout, const Step& step, const float* gradient, const float* from, float* to,
                       std::size_t first, std::size_t last) {
  const kernels::Coefficients coefficients{static_cast<float>(step.rate), static_cast<float>(step.scale),
                                           layout.momentum()};
  const float* velocity = layout.velocity(from);
  float* velocity_to = layout.velocity(to);
  kernels::active().advance(last - first, coefficients, gradient, from + first, velocity ? velocity + first : nullptr,
                            to + first, velocity_to ? velocity_to + first : nullptr);
}

inline void advance_compensated(const StateLayout& layout, const correction::DelayCompensated& delay,
                                const ScaledGradient& update, const float* from, float* to, std::size_t first,
                                std::size_t last) {
  alignas(kCacheLine) float corrected[kPiece];
  kernels::active().compensate_delay(last - first, static_cast<float>(delay.strength), update.gradient + first,
                                     from + first, update.view + first, corrected);
  advance_by(layout, update.step, corrected, from, to, first, last);
}

inline void advance_by_gap(const StateLayout& layout, const correction::GapAware& gap, const ScaledGradient& update,
                           const float* from, float* to, std::size_t first, std::size_t last) {
  alignas(kCacheLine) float corrected[kPiece];
  const float* movement = layout.movement(from) + first;
  const double remembered = 1.0 - std::pow(gap.memory, static_cast<double>(update.step.replaced));
  kernels::active().divide_by_gap(last - first, static_cast<float>(remembered), update.gradient + first, from + first,
                                  update.view + first, movement, corrected);
  advance_by(layout, update.step, corrected, from, to, first, last);
  const auto rate = static_cast<float>(update.step.rate), scale = static_cast<float>(update.step.scale);
  const float* velocity = layout.velocity(to);  // θ has moved by η·u, or else by η·C·g
  kernels::active().average_movement(last - first, static_cast<float>(1.0 - gap.memory), velocity ? rate : rate * scale,
                                     velocity ? velocity + first : corrected, movement, layout.movement(to) + first);
}

/// At most kPiece components.
inline void advance_piece(const StateLayout& layout, const ScaledGradient& update, const float* from, float* to,
                          std::size_t first, std::size_t last) {
  if (const auto* delay = std::get_if<correction::DelayCompensated>(&layout.correction()))
    advance_compensated(layout, *delay, update, from, to, first, last);
  else if (const auto* gap = std::get_if<correction::GapAware>(&layout.correction()))
    advance_by_gap(layout, *gap, update, from, to, first, last);
}

}  // namespace detail

/// On the components [first, last); `to` may be `from`.
inline void advance(const StateLayout& layout, const ScaledGradient& update, const float* from, float* to,
                    std::size_t first, std::size_t last) {
  if (!correction::needs_view(layout.correction()))
    return detail::advance_by(layout, update.step, update.gradient + first, from, to, first, last);
  for (; first < last; first += kPiece)
    detail::advance_piece(layout, update, from, to, first, std::min(first + kPiece, last));
}

inline void advance(const StateLayout& layout, const ScaledGradient& update, const float* from, float* to) {
  advance(layout, update, from, to, 0, layout.parameters());
}

/// advance(), and copies the new parameters; the copy may take the place of the view.
inline void advance_and_copy(const StateLayout& layout, const ScaledGradient& update, const float* from, float* to,
                             float* copy) {
  for (std::size_t first = 0; first < layout.parameters(); first += kPiece) {
    const std::size_t last = std::min(first + kPiece, layout.parameters());
    advance(layout, update, from, to, first, last);
    kernels::active().copy(last - first, to + first, copy + first);
  }
}

}  // namespace asap
