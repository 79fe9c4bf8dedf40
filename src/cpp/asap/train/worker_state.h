// What one worker records while it runs: single-writer counters, readable by the coordinator at any time.
#pragma once

#include "asap/staleness/histogram.h"
#include "asap/step/policy.h"
#include "asap/store/store.h"
#include "asap/train/report.h"

namespace asap {

/// Thread-safety: `record` by one worker, the rest by anybody. Progress: wait-free. Starts on a cache line of its own.
class alignas(kCacheLine) WorkerState {
 public:
  /// One gradient and what became of it. `window`: the updates whose τ the policy samples.
  void record(const Receipt& receipt, std::size_t samples, double loss, SampleWindow window) {
    const bool decided = receipt.outcome == Outcome::published || receipt.outcome == Outcome::rejected;
    if (decided) {
      (receipt.outcome == Outcome::published ? published_ : rejected_).add(1);
      (receipt.outcome == Outcome::published ? staleness_ : rejections_).add(receipt.tau());
      if (receipt.replaced >= window.first && receipt.replaced < window.last) sample(receipt);
      step_sum_.add(receipt.rate * receipt.scale);
    } else {
      (receipt.outcome == Outcome::merged ? merged_ : dropped_).add(1);
    }
    attempts_.add(receipt.attempts);
    samples_.add(samples);
    loss_sum_.add(loss * static_cast<double>(samples));
    tau_sum_.add(receipt.outcome == Outcome::published ? receipt.tau() : 0);
    gradients_.add(1);
  }

  void add_to(Counts& counts) const {
    counts.gradients += gradients_.load();
    counts.published += published_.load();
    counts.merged += merged_.load();
    counts.dropped += dropped_.load();
    counts.rejected += rejected_.load();
    counts.attempts += attempts_.load();
    counts.samples += samples_.load();
    counts.loss_sum += loss_sum_.load();
    counts.step_sum += step_sum_.load();
  }

  void end(double seconds) { ended_seconds_.add(seconds); }
  double ended_seconds() const { return ended_seconds_.load(); }

  std::uint64_t tau_sum() const { return tau_sum_.load(); }
  const TauHistogram& staleness() const { return staleness_; }
  const TauHistogram& rejections() const { return rejections_; }
  const TauHistogram& sampled() const { return sampled_; }
  std::uint64_t sampled_published() const { return sampled_published_.load(std::memory_order_acquire); }

 private:
  void sample(const Receipt& receipt) {
    sampled_.add(receipt.tau());
    // release: pairs with the acquire in sampled_published(); whoever sees the count sees the histogram's entries.
    sampled_published_.fetch_add(receipt.outcome == Outcome::published ? 1 : 0, std::memory_order_release);
  }

  RelaxedCounter<std::uint64_t> gradients_, published_, merged_, dropped_, rejected_, attempts_, samples_, tau_sum_;
  std::atomic<std::uint64_t> sampled_published_{0};
  RelaxedCounter<double> loss_sum_, step_sum_, ended_seconds_;
  TauHistogram staleness_, rejections_, sampled_;
};

}  // namespace asap
