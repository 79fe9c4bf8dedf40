// Random runs of shards, and what must hold of them.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "asap/train/replay.h"
#include "replay_plan.h"
#include "shard_cluster.h"

namespace shards_test {

using replay_test::same_bits;

constexpr std::size_t kParameters = 37;
constexpr std::uint64_t kBatches = 4 * 17;  // 17 an epoch, the last one of 2 samples
constexpr Trouble kTrouble{.dies = 4, .repeated = 15};

inline TrainOptions options_of(const engine::Engine& engine, std::size_t workers) {
  TrainOptions options;
  options.engine = engine;
  options.workers = workers;
  options.batch_size = 3;
  options.epochs = 4;
  options.rate = Rate::constant(0.05);
  options.seed = 7;
  return options;
}

/// Of all shards, what makes their update; of the learners, what makes the gradient of the whole vector.
inline TrainOptions random_rounds(Dice& dice) {
  TrainOptions options = options_of(engine::Synchronous{}, dice.within(1, 6));
  options.momentum = dice.one_of({0.0, 0.5});
  options.weight_decay = dice.one_of({0.0, 0.01});
  if (dice.once_in(2)) options.correction = correction::NormClipped{.bound = 2.0};
  return options;
}

inline TrainOptions random_softsync(Dice& dice) {
  const std::size_t workers = dice.within(1, 6);
  TrainOptions options = options_of(engine::Softsync{.n = dice.below(workers == 1 ? 2 : 3)}, workers);
  options.momentum = dice.one_of({0.0, 0.5});
  options.policy = random_policy(dice, 4, 10);
  return options;
}

inline std::vector<float> ones(std::size_t size) { return std::vector<float>(size, 1.0f); }

inline std::vector<float> trained(const Objective& objective, const TrainOptions& options) {
  std::vector<float> theta = ones(objective.num_parameters());
  train(objective, theta, options);
  return theta;
}

/// Every tenth gradient has a component that is not finite: one shard would see it.
class Spoilt final : public Quadratic {
 public:
  using Quadratic::Quadratic;
  static bool is_spoilt(std::uint64_t batch) { return batch % 10 == 3; }

  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
    const double loss = Quadratic::gradient(theta, batch, workspace, gradient);
    if (is_spoilt(batch.id)) gradient[batch.id % num_parameters()] = std::numeric_limits<float>::infinity();
    return loss;
  }
};

/// Some components of a quadratic: what the learning of a shard is about.
class Slice final : public Quadratic {
 public:
  Slice(const Quadratic& whole, std::size_t first, std::size_t size)
      : Quadratic(size, whole.num_samples()), whole_(whole), first_(static_cast<std::ptrdiff_t>(first)) {}

  double gradient(const float* theta, const Batch& batch, Workspace*, float* gradient) const override {
    std::vector<float> point(whole_.num_parameters()), all(whole_.num_parameters());
    std::copy_n(theta, num_parameters(), point.begin() + first_);
    const double loss = whole_.gradient(point.data(), batch, nullptr, all.data());
    std::copy_n(all.begin() + first_, num_parameters(), gradient);
    return loss;
  }

 private:
  const Quadratic& whole_;
  const std::ptrdiff_t first_;
};

/// One server of all parameters.
inline const Cut kUncut{.sizes = {kParameters}, .lead = 0};

/// The batches whose gradients were not refused, in the order of their numbers.
inline std::vector<std::uint64_t> batches_of(const std::vector<TraceRecord>& records) {
  std::vector<std::uint64_t> batches;
  for (const TraceRecord& record : records) batches.push_back(record.batch);
  std::sort(batches.begin(), batches.end());
  return batches;
}

inline std::vector<std::uint64_t> all_batches(OnNonfinite reaction = OnNonfinite::stop) {
  std::vector<std::uint64_t> numbers(kBatches);
  std::iota(numbers.begin(), numbers.end(), 0);
  if (reaction == OnNonfinite::skip) std::erase_if(numbers, Spoilt::is_spoilt);
  return numbers;
}

/// The parameters of a shard are what a replay of its own trace, from the very beginning, makes of them.
inline void check_replay(const Quadratic& quadratic, Cluster& cluster, std::size_t i,
                         const std::vector<TraceRecord>& records, Version last) {
  const Shard& shard = cluster.shard(i);
  const std::size_t size = shard.server.num_parameters();
  std::vector<float> theta = ones(size);
  TrainOptions options = shard.options;
  options.trace = nullptr;
  options.resume = nullptr;
  replay(Slice(quadratic, shard.first, size), theta, options, records, {.last = last});
  const auto first = cluster.theta().begin() + static_cast<std::ptrdiff_t>(shard.first);
  CHECK(same_bits(theta, std::vector<float>(first, first + static_cast<std::ptrdiff_t>(size))));
}

/// Its staleness is that of its own trace, for each learner.
inline void check_staleness(const Report& report, const std::vector<TraceRecord>& records, std::size_t workers) {
  TeamTauCounts counted(workers), rejected(workers);
  for (const TraceRecord& record : records) {
    if (record.outcome == Outcome::rejected) rejected.add(record.worker, record.tau());
    if (record.outcome == Outcome::published || record.outcome == Outcome::gathered)
      counted.add(record.worker, record.tau());
  }
  const auto same = [&](const std::vector<Distribution>& a, const std::vector<Distribution>& b) {
    for (std::size_t worker = 0; worker < workers; ++worker)
      CHECK(std::ranges::equal(a[worker].counts(), b[worker].counts()));
  };
  same(report.staleness, counted.distributions());
  same(report.rejections, rejected.distributions());
}

}  // namespace shards_test
