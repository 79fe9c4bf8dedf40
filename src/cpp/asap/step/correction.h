// Corrections: what becomes of a gradient itself, where its staleness is not all that counts. With C(τ) the scale,
//
//   θ ← θ − η · C(τ) · correction(g, θ, v),        g computed on v, and θ the parameters that it is applied to.
//
// Without staleness, θ = v, none of them changes g but NormClipped, which looks at nothing else.
#pragma once

#include <string_view>
#include <variant>

namespace asap::correction {

/// g as it is.
struct None {
  static constexpr std::string_view kName = "none";
};

/// g + λ · g ⊙ g ⊙ (θ − v), λ ≥ 0 the strength: a first-order guess of the gradient at θ, with g ⊙ g for the diagonal
/// of the Hessian (DC-ASGD with a constant λ; Zheng et al. 2017).
struct DelayCompensated {
  static constexpr std::string_view kName = "delay-compensated";
  double strength = 0.04;
};

/// g_j / (1 + |θ_j − v_j| / c_j) for each component j: c_j is what one update moves it by on average (Gap-Aware, by
/// components; Barkai, Hakimi and Schuster 2020). The average is c_j = a_j / (1 − ρ^t) before update t, where
/// a_j ← ρ·a_j + (1 − ρ)·|θ'_j − θ_j| with every update θ → θ', and a_j = 0 at first; ρ in [0, 1).
struct GapAware {
  static constexpr std::string_view kName = "gap-aware";
  double memory = 0.99;
};

/// g · min(1, bound / ‖g‖), bound > 0 (Pascanu, Mikolov and Bengio 2013).
struct NormClipped {
  static constexpr std::string_view kName = "norm-clipped";
  double bound = 1.0;
};

using Correction = std::variant<None, DelayCompensated, GapAware, NormClipped>;

inline std::string_view name_of(const Correction& correction) {
  return std::visit([](const auto& each) { return each.kName; }, correction);
}

/// Throws std::invalid_argument for numbers out of range.
void check(const Correction& correction);

/// Whether v must be kept until the update is published.
inline bool needs_view(const Correction& correction) {
  return std::holds_alternative<DelayCompensated>(correction) || std::holds_alternative<GapAware>(correction);
}

/// Whether a, the average movement, is part of the shared state.
inline bool keeps_movement(const Correction& correction) { return std::holds_alternative<GapAware>(correction); }

}  // namespace asap::correction
