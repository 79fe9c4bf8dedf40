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

/// R, the progress from one table to the next: at least 1.
std::uint64_t distance(const OnlineSample& online, std::size_t workers) {
  constexpr double kMost = 0x1p62;
  return static_cast<std::uint64_t>(std::clamp(std::round(online.every * static_cast<double>(workers)), 1.0, kMost));
}

}  // namespace

Adaptation::Adaptation(Policy policy, Execution execution, Version from, TableLog log)
    : policy_(std::move(policy)),
      execution_(std::move(execution)),
      state_{.from = from, .progress = 0, .counted = {}, .log = std::move(log)},
      context_(context_at(from)) {
  make_table(from, {});
}

Adaptation::Adaptation(Policy policy, Execution execution, AdaptationState before)
    : policy_(std::move(policy)),
      execution_(std::move(execution)),
      state_(std::move(before)),
      context_(context_at(state_.log.tables.back().version)),
      table_(state_.log.tables.back().entries, state_.log.tables.back().entries.size() - 1) {}

StepContext Adaptation::context_at(Version version) const {
  return {.workers = execution_.workers, .rate = execution_.rate(version), .version = version};
}

SampleWindow Adaptation::window() const {
  if (online_of(policy_)) return {state_.from, SampleWindow::kEndless};
  const SampleWindow* window = window_of(policy_);
  if (!window) return {};
  const auto at = [&](std::uint64_t updates) {
    return saturating_sum(state_.from, saturating_product(updates, execution_.workers));
  };
  return {at(window->first), at(window->last)};
}

/// The progress that the next table takes.
std::uint64_t Adaptation::due() const {
  if (const OnlineSample* online = online_of(policy_)) {
    const std::uint64_t updates = distance(*online, execution_.workers);
    return saturating_product(state_.progress / updates + 1, updates);
  }
  const SampleWindow once = window();
  return once.last > once.first && state_.progress == 0 ? once.last - once.first : kNever;
}

std::uint64_t Adaptation::remaining(std::uint64_t progress) const {
  const std::uint64_t whole = due();
  return whole == kNever ? kNever : whole - std::min(whole, progress);
}

void Adaptation::refresh(Version now, std::uint64_t progress, const Distribution& counted) {
  const Version from = next_version(now);
  const Distribution fresh = since(state_.counted, counted);
  state_.counted = counted;
  state_.progress = progress;
  if (const OnlineSample* online = online_of(policy_))
    make_table(from, forget(state_.log.tables.back().seen, fresh,
                            online->half_life * static_cast<double>(execution_.workers)));
  else
    make_table(from, counted);
}

void Adaptation::resize(std::size_t workers, Version now) {
  const bool changes = workers != context_.workers;
  context_.workers = workers;
  if (changes && policy_.knows_workers) make_table(next_version(now), Distribution(state_.log.tables.back().seen));
}

/// Two tables may be due at once, when this is asked late: each is in force from a version of its own.
Version Adaptation::next_version(Version at_least) const {
  return std::max(at_least, saturating_sum(state_.log.tables.back().version, 1));
}

void Adaptation::make_table(Version now, const Distribution& seen) {
  context_.rate = execution_.rate(now);
  context_.version = now;
  table_ = policy_.table(seen, context_);
  if (execution_.updates && table_(0) == 0.0)
    invalid_argument("policy '", policy_.name, "' rejects fresh gradients (C(0) = 0) from update ", now,
                     " on: the run might never reach updates = ", *execution_.updates,
                     "; give epochs or seconds instead");
  state_.log.add(now, table_.entries(), seen);
}

/// By half as much again as is needed: τ that grows little by little costs few tables.
void Adaptation::lengthen(Tau tau) {
  TableRecord& in_force = state_.log.tables.back();
  context_.reach = tau + tau / 2;
  table_ = policy_.table(in_force.seen, context_);
  in_force.entries = table_.entries();
}

}  // namespace asap
