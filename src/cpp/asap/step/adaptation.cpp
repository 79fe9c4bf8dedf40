#include "asap/step/adaptation.h"

#include <algorithm>
#include <cmath>

#include "asap/core/error.h"
#include "asap/core/saturating.h"
#include "asap/staleness/forgetting.h"

namespace asap {
namespace {

const SampleWindow* window_of(const Policy& policy) {
  return policy.sample ? std::get_if<SampleWindow>(&*policy.sample) : nullptr;
}

const OnlineSample* online_of(const Policy& policy) {
  return policy.sample ? std::get_if<OnlineSample>(&*policy.sample) : nullptr;
}

/// R, the published updates from one table to the next: at least 1.
std::uint64_t distance(const OnlineSample& online, std::size_t workers) {
  constexpr double kMost = 0x1p62;
  return static_cast<std::uint64_t>(std::clamp(std::round(online.every * static_cast<double>(workers)), 1.0, kMost));
}

}  // namespace

Adaptation::Adaptation(Policy policy, Execution execution, Version from, TableLog log)
    : policy_(std::move(policy)),
      execution_(std::move(execution)),
      state_{.from = from, .published = 0, .counted = {}, .log = std::move(log)} {
  make_table(from, {});
}

Adaptation::Adaptation(Policy policy, Execution execution, AdaptationState before)
    : policy_(std::move(policy)),
      execution_(std::move(execution)),
      state_(std::move(before)),
      table_(state_.log.tables.back().entries) {}

SampleWindow Adaptation::window() const {
  if (online_of(policy_)) return {state_.from, kNever};
  const SampleWindow* window = window_of(policy_);
  if (!window) return {};
  const auto at = [&](std::uint64_t updates) {
    return saturating_sum(state_.from, saturating_product(updates, execution_.workers));
  };
  return {at(window->first), at(window->last)};
}

/// In published updates of the window.
std::uint64_t Adaptation::due() const {
  if (const OnlineSample* online = online_of(policy_)) {
    const std::uint64_t updates = distance(*online, execution_.workers);
    return saturating_product(state_.published / updates + 1, updates);
  }
  const SampleWindow once = window();
  return once.last > once.first && state_.published == 0 ? once.last - once.first : kNever;
}

Version Adaptation::due_version() const {
  const Version complete = saturating_sum(window().first, due());
  // Of so many workers all but one may not have counted their last update.
  return online_of(policy_) ? saturating_sum(complete, execution_.workers - 1) : complete;
}

void Adaptation::refresh(Version now, std::uint64_t published, const Distribution& counted) {
  // Two tables may be due at once, when this is asked late: each is in force from a version of its own.
  const Version from =
      std::max({now, saturating_sum(window().first, due()), saturating_sum(state_.log.tables.back().version, 1)});
  const Distribution fresh = since(state_.counted, counted);
  state_.counted = counted;
  state_.published = published;
  if (const OnlineSample* online = online_of(policy_))
    make_table(from, forget(state_.log.tables.back().seen, fresh,
                            online->half_life * static_cast<double>(execution_.workers)));
  else
    make_table(from, counted);
}

void Adaptation::make_table(Version now, const Distribution& seen) {
  table_ = policy_.table(seen, {execution_.workers, execution_.rate(now), now});
  if (execution_.updates && table_(0) == 0.0)
    invalid_argument("policy '", policy_.name, "' rejects fresh gradients (C(0) = 0) from update ", now,
                     " on: the run would never reach updates = ", *execution_.updates,
                     "; give epochs or seconds instead");
  state_.log.add(now, table_.entries(), seen);
}

}  // namespace asap
