// An engine in virtual time: who reads and publishes when, as events on a timeline.
#pragma once

#include <vector>

#include "asap/core/rng.h"
#include "asap/sim/law.h"
#include "asap/sim/timeline.h"
#include "asap/sim/virtual_workers.h"

namespace asap::sim {

/// What one law gives the workers of a run.
class Durations {
 public:
  Durations(const Law& law, std::uint64_t seed, Stream stream, std::size_t workers) : law_(law), seed_(seed) {
    for (std::size_t worker = 0; worker < workers; ++worker)
      random_.emplace_back(seed, stream, static_cast<std::uint32_t>(worker));
  }

  /// The worker's next one, in seconds.
  double next(std::size_t worker) {
    const double seconds = law_.draw({seed_, worker}, random_[worker]);
    sum_ += seconds;
    ++count_;
    return seconds;
  }

  double mean() const { return count_ ? sum_ / static_cast<double>(count_) : 0.0; }  ///< of those drawn

 private:
  const Law& law_;
  const std::uint64_t seed_;
  std::vector<Rng> random_;
  double sum_ = 0;
  std::uint64_t count_ = 0;
};

/// The time of a run.
struct Scene {
  Scene(const SimulationOptions& options, const Ledger& the_ledger)
      : compute(options.compute, options.train.seed, Stream::compute_times, most_workers(options)),
        publish(options.publish, options.train.seed, Stream::publish_times, most_workers(options)),
        ledger(the_ledger) {}

  void after(double seconds, What what, std::size_t worker) { timeline.add(ledger.seconds() + seconds, what, worker); }

  Durations compute, publish;
  const Ledger& ledger;
  Timeline timeline;
};

/// An engine on workers of some kind. One thread.
template <class Team>
class VirtualEngine {
 public:
  VirtualEngine(Scene& scene, Team& team) : scene_(scene), team_(team) {}
  virtual ~VirtualEngine() = default;

  /// At the beginning.
  virtual void start() {
    for (std::size_t worker = 0; worker < team_.size(); ++worker) begin(worker);
  }

  /// What was announced on the timeline, at its time.
  virtual void handle(const Event& event) = 0;

  /// Another number of workers from now on.
  virtual void resize(std::size_t workers) {
    for (const std::size_t worker : team_.resize(workers)) begin(worker);
  }

 protected:
  /// A worker reads, and computes its gradient from now on, if there is a batch for it.
  virtual void begin(std::size_t worker) {
    if (team_.read(worker)) scene_.after(scene_.compute.next(worker), What::computed, worker);
  }

  Scene& scene_;
  Team& team_;
};

}  // namespace asap::sim
