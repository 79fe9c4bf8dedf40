// What one gradient adds to the counts of a run.
#pragma once

#include "asap/step/policy.h"
#include "asap/store/store.h"
#include "asap/train/report.h"

namespace asap {

/// Whether the gradient is applied with a scale of its own, at once or with the others of its update.
inline bool is_scaled(const Receipt& receipt) {
  return receipt.outcome == Outcome::published || receipt.outcome == Outcome::gathered;
}

/// Whether the gradient brings the policy's next table nearer, when its τ is counted in this window
/// (step/adaptation.h).
inline bool makes_progress(const Receipt& receipt, const SampleWindow& window) {
  return receipt.outcome == Outcome::published || (receipt.outcome == Outcome::rejected && window.is_endless());
}

/// Whether the gradient is given up, so that an update that was to be made of it needs another one.
inline bool is_given_up(Outcome outcome) { return outcome != Outcome::published && outcome != Outcome::gathered; }

/// One gradient over so many samples, their mean loss, and what became of it.
inline void count(Counts& counts, const Receipt& receipt, std::size_t samples, double loss) {
  const bool published = receipt.outcome == Outcome::published, rejected = receipt.outcome == Outcome::rejected;
  const bool scaled = is_scaled(receipt);
  counts.gradients += 1;
  counts.published += published;
  counts.merged += receipt.outcome == Outcome::merged;
  counts.gathered += receipt.outcome == Outcome::gathered;
  counts.dropped += receipt.outcome == Outcome::dropped;
  counts.rejected += rejected;
  counts.attempts += receipt.attempts;
  counts.tau_sum += scaled ? receipt.tau() : 0;
  if (receipt.outcome == Outcome::skipped) {
    counts.skipped += 1;
  } else {
    counts.samples += samples;
    counts.loss_sum += loss * static_cast<double>(samples);
  }
  counts.step_sum += scaled || rejected ? receipt.rate * receipt.scale : 0.0;
}

}  // namespace asap
