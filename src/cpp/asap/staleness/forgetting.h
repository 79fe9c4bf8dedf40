// Counts of τ that are forgotten with time, as pure functions of distributions.
#pragma once

#include "asap/staleness/distribution.h"

namespace asap {

/// The weight of an update that has just been counted: in this unit weights are whole numbers, of which sums are exact.
inline constexpr std::uint64_t kFreshWeight = std::uint64_t{1} << 20;

/// What has been counted since `before`, an earlier state of the same counts.
Distribution since(const Distribution& before, const Distribution& now);

/// Weights w(τ) with n updates of `fresh` added: w ← ⌊w · 2^(−n/half_life)⌋ + kFreshWeight · fresh. An update so weighs
/// half as much after half_life others, and nothing after 20 times as many; all together they weigh at most as much
/// as n/(1 − 2^(−n/half_life)) ≈ half_life/ln 2 fresh ones.
Distribution forget(const Distribution& weights, const Distribution& fresh, double half_life);

}  // namespace asap
