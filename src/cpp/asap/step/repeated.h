// A policy over many executions that follow one another, each too short for a sample of its own.
#pragma once

#include <cstdint>
#include <utility>

#include "asap/staleness/tau_counts.h"
#include "asap/step/adaptation.h"

namespace asap {

/// Numbers the updates of all of them as those of one. A table holds for a whole execution, and so does the policy's
/// window: it has the executions that begin within it. One thread.
class RepeatedAdaptation {
 public:
  RepeatedAdaptation(Policy policy, const Execution& execution) : adaptation_(std::move(policy), execution) {}

  /// Whether the table depends on what is counted.
  bool is_adaptive() const { return adaptation_.window().last > 0; }

  /// An execution is over: τ of the gradients in its published updates, of its rejected ones, and how many it
  /// published.
  void count(const Distribution& staleness, const Distribution& rejections, std::uint64_t published) {
    const SampleWindow window = adaptation_.window();
    if (window.contains(version_)) {
      counted_.add(staleness);
      counted_.add(rejections);
      progress_ += published + (window.is_endless() ? rejections.total() : 0);
    }
    version_ += published;
    if (adaptation_.is_due(progress_)) adaptation_.refresh(version_, progress_, counted_.distribution());
  }

  /// C in the next one.
  const ScaleTable& table() const { return adaptation_.table(); }

 private:
  Adaptation adaptation_;
  TauCounts counted_;
  std::uint64_t progress_ = 0;
  Version version_ = 0;
};

}  // namespace asap
