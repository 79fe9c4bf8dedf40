// What one gradient adds to the counts of a run.
#pragma once

#include "asap/store/store.h"
#include "asap/train/report.h"

namespace asap {

/// One gradient over so many samples, their mean loss, and what became of it.
inline void count(Counts& counts, const Receipt& receipt, std::size_t samples, double loss) {
  const bool published = receipt.outcome == Outcome::published, rejected = receipt.outcome == Outcome::rejected;
  counts.gradients += 1;
  counts.published += published;
  counts.merged += receipt.outcome == Outcome::merged;
  counts.dropped += receipt.outcome == Outcome::dropped;
  counts.rejected += rejected;
  counts.attempts += receipt.attempts;
  counts.tau_sum += published ? receipt.tau() : 0;
  if (receipt.outcome == Outcome::skipped) {
    counts.skipped += 1;
  } else {
    counts.samples += samples;
    counts.loss_sum += loss * static_cast<double>(samples);
  }
  counts.step_sum += published || rejected ? receipt.rate * receipt.scale : 0.0;
}

}  // namespace asap
