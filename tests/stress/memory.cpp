// Resident memory stays where it is while a small vector is published over and over.
#include <algorithm>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>

#include "checks.h"
#include "objectives.h"
#include "runs.h"

namespace stress {
namespace {

constexpr std::size_t kParameters = 16, kLooks = 100;

/// Of this process, as the kernel counts it anew: /proc/self/statm is late.
std::size_t resident_kib() {
  std::ifstream file("/proc/self/smaps_rollup");
  std::string word;
  while (file >> word)
    if (std::size_t kib = 0; word == "Rss:" && file >> kib) return kib;
  throw std::runtime_error("/proc/self/smaps_rollup has no line with Rss");
}

/// Gradients of ones, and a look at the memory after every hundredth of them. One that leaks leaves an object behind at
/// each.
class Measured final : public Ones {
 public:
  Measured(std::uint64_t gradients, bool leaks) : Ones(kParameters), every_(gradients / kLooks), leaks_(leaks) {}

  double gradient(const float* theta, const asap::Batch& batch, asap::Workspace* workspace,
                  float* gradient) const override {
    look(batch.id);
    return Ones::gradient(theta, batch, workspace, gradient);
  }
  double forward(const float*, const asap::Batch& batch, asap::Workspace*) const override {
    look(batch.id);
    return 0;
  }

  /// Over the last half of the run, in per cent.
  double growth() const {
    const auto middle = resident_.begin() + kLooks / 2;
    const std::size_t most = *std::max_element(middle, resident_.end());
    return 100.0 * (static_cast<double>(most) / static_cast<double>(*middle) - 1.0);
  }
  std::size_t last() const { return resident_.back(); }

 private:
  void look(std::uint64_t batch) const {
    if (batch % every_ == 0) resident_[batch / every_ % kLooks] = resident_kib();
    if (leaks_) leak();
  }

  void leak() const {
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::make_unique<int>());
  }

  const std::uint64_t every_;
  const bool leaks_;
  mutable std::vector<std::size_t> resident_ = std::vector<std::size_t>(kLooks);  // each written once
  mutable std::mutex mutex_;                                                      // guards kept_
  mutable std::vector<std::unique_ptr<int>> kept_;
};

Verdict flat(const engine::Engine& engine, std::uint64_t gradients, bool leaks = false) {
  constexpr std::size_t kWorkers = 2;
  const Measured objective(gradients, leaks);
  const std::uint64_t updates = gradients / gradients_per_update(engine, kWorkers);
  const TrainOptions options{
      .engine = engine, .workers = kWorkers, .batch_size = 1, .updates = updates, .rate = Rate::constant(1.0)};
  with_store(options, kParameters, [&](auto& store) { return run(store, objective, options); });
  return {objective.growth() <= 1.0, text(objective.growth(), " % growth in the last half of ", updates,
                                          " updates, to ", objective.last(), " KiB")};
}

}  // namespace

bool check_memory(const Form& form) {
  bool passed = true;
  for (const auto& [name, engine] : every_engine())
    passed &= report(text("memory, ", name), flat(engine, form.pick(10'000'000, 1'000'000)));
  passed &= report_planted("memory that leaks", flat(engine::Locked{}, 1'000'000, true));
  return passed;
}

}  // namespace stress
