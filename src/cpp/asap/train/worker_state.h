// What one worker records while it runs: single-writer counters, readable by the coordinator at any time.
#pragma once

#include "asap/staleness/histogram.h"
#include "asap/step/policy.h"
#include "asap/store/store.h"
#include "asap/train/checkpoint.h"
#include "asap/train/count.h"
#include "asap/train/whole_value.h"

namespace asap {

/// Thread-safety: `record` and `end` by one worker, `resume` before it starts, the rest by anybody. Progress: `record`
/// is wait-free. Starts on a cache line of its own.
class alignas(kCacheLine) WorkerState {
 public:
  /// One gradient and what became of it. `window`: the updates whose τ the policy samples.
  void record(const Receipt& receipt, std::size_t samples, double loss, SampleWindow window) {
    const bool rejected = receipt.outcome == Outcome::rejected, has_tau = is_scaled(receipt) || rejected;
    if (has_tau) (rejected ? rejections_ : staleness_).add(receipt.tau());
    count(counts_, receipt, samples, loss);
    shown_.store(counts_);
    if (has_tau && window.contains(receipt.replaced)) sample(receipt, window);
  }

  /// Goes on from what the worker of this number had done. `same_sample`: the policy's window is the same, too.
  void resume(const WorkerTotals& before, bool same_sample) {
    counts_ = before.counts;
    shown_.store(counts_);
    staleness_.add(before.staleness);
    rejections_.add(before.rejections);
    if (!same_sample) return;
    sampled_.add(before.sampled);
    sample_progress_.fetch_add(before.sample_progress, std::memory_order_relaxed);
  }

  /// Exact while the worker is not at an update.
  WorkerTotals totals() const {
    return {counts(), staleness_.distribution(), rejections_.distribution(), sampled_.distribution(),
            sample_progress()};
  }

  Counts counts() const { return shown_.load(); }

  void end(double seconds) { ended_seconds_.add(seconds); }
  double ended_seconds() const { return ended_seconds_.load(); }

  const TauHistogram& staleness() const { return staleness_; }
  const TauHistogram& rejections() const { return rejections_; }
  const TauHistogram& sampled() const { return sampled_; }
  std::uint64_t sample_progress() const { return sample_progress_.load(std::memory_order_acquire); }

 private:
  void sample(const Receipt& receipt, SampleWindow window) {
    sampled_.add(receipt.tau());
    // release: pairs with the acquire in sample_progress(); whoever sees it sees the histogram's entries and the
    // counts.
    sample_progress_.fetch_add(makes_progress(receipt, window) ? 1 : 0, std::memory_order_release);
  }

  Counts counts_;             // the worker's own
  WholeValue<Counts> shown_;  // for the others
  std::atomic<std::uint64_t> sample_progress_{0};
  RelaxedCounter<double> ended_seconds_;
  TauHistogram staleness_, rejections_, sampled_;
};

}  // namespace asap
