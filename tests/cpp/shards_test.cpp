// A parameter server that is cut into shards: whatever is lost, repeated or late, at some of them or at all, each has
// its part of what one server would have.
#include <limits>

#include "asap/train/replay.h"
#include "replay_plan.h"
#include "shard_cluster.h"

using namespace shards_test;
using replay_test::same_bits;

namespace {

constexpr std::size_t kParameters = 37;
constexpr std::uint64_t kBatches = 4 * 17;  // 17 an epoch, the last one of 2 samples
constexpr Trouble kTrouble{.dies = 4, .repeated = 15};

TrainOptions options_of(const engine::Engine& engine, std::size_t workers) {
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
TrainOptions random_rounds(Dice& dice) {
  TrainOptions options = options_of(engine::Synchronous{}, dice.within(1, 6));
  options.momentum = dice.one_of({0.0, 0.5});
  options.weight_decay = dice.one_of({0.0, 0.01});
  if (dice.once_in(2)) options.correction = correction::NormClipped{.bound = 2.0};
  return options;
}

TrainOptions random_softsync(Dice& dice) {
  const std::size_t workers = dice.within(1, 6);
  TrainOptions options = options_of(engine::Softsync{.n = dice.below(workers == 1 ? 2 : 3)}, workers);
  options.momentum = dice.one_of({0.0, 0.5});
  options.policy = random_policy(dice, 4, 10);
  return options;
}

std::vector<float> ones(std::size_t size) { return std::vector<float>(size, 1.0f); }

std::vector<float> trained(const Objective& objective, const TrainOptions& options) {
  std::vector<float> theta = ones(objective.num_parameters());
  train(objective, theta, options);
  return theta;
}

std::vector<float> after_updates(const Objective& objective, TrainOptions options, std::uint64_t updates) {
  if (updates == 0) return ones(objective.num_parameters());
  options.epochs.reset();
  options.updates = updates;
  return trained(objective, options);
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

/// The batches whose gradients were not refused, in the order of their numbers.
std::vector<std::uint64_t> batches_of(const std::vector<TraceRecord>& records) {
  std::vector<std::uint64_t> batches;
  for (const TraceRecord& record : records) batches.push_back(record.batch);
  std::sort(batches.begin(), batches.end());
  return batches;
}

std::vector<std::uint64_t> all_batches(OnNonfinite reaction = OnNonfinite::stop) {
  std::vector<std::uint64_t> numbers(kBatches);
  std::iota(numbers.begin(), numbers.end(), 0);
  if (reaction == OnNonfinite::skip) std::erase_if(numbers, Spoilt::is_spoilt);
  return numbers;
}

std::vector<TraceRecord> joined(std::vector<TraceRecord> records, const std::vector<TraceRecord>& more) {
  records.insert(records.end(), more.begin(), more.end());
  return records;
}

std::vector<Checkpoint> checkpoints_of(Cluster& cluster) {
  std::vector<Checkpoint> saved;
  for (std::size_t i = 0; i < cluster.size(); ++i) saved.push_back(*cluster.server(i).checkpoint());
  return saved;
}

/// A set of checkpoints: the lead's when it is due, those of the others when they can be made and dice say so.
class Keeper {
 public:
  Keeper(Cluster& cluster, bool in_rounds, std::uint64_t seed)
      : cluster_(cluster), in_rounds_(in_rounds), dice_(seed, 3), saved_(cluster.size()), records_(cluster.size()) {}

  /// Between two turns.
  void keep() {
    const std::size_t lead = cluster_.lead_place();
    if (!saved_[lead]) {
      if (!cluster_.lead().is_checkpoint_due() || !dice_.once_in(2)) return;
      save(lead);
      cluster_.pause(in_rounds_);
    }
    for (std::size_t i = 0; i < saved_.size(); ++i) {
      if (saved_[i] || !dice_.once_in(8) || cluster_.server(i).is_gathering()) continue;
      if (in_rounds_) cluster_.follow(i);
      later_ += cluster_.server(i).ledger().counts().gradients > saved_[lead]->gradients;
      save(i);
    }
    if (is_complete()) cluster_.pause(false);
  }

  bool is_complete() const {
    return std::all_of(saved_.begin(), saved_.end(), [](const auto& each) { return each.has_value(); });
  }
  std::vector<Checkpoint> checkpoints() const {
    std::vector<Checkpoint> all;
    for (const auto& each : saved_) all.push_back(*each);
    return all;
  }
  const std::vector<TraceRecord>& records(std::size_t i) const { return records_[i]; }  ///< up to its checkpoint
  std::size_t later() const { return later_; }  ///< shards that had more than the lead when they were saved

 private:
  void save(std::size_t i) {
    saved_[i] = cluster_.server(i).checkpoint();
    records_[i] = cluster_.records(i);
  }

  Cluster& cluster_;
  const bool in_rounds_;
  Dice dice_;
  std::vector<std::optional<Checkpoint>> saved_;
  std::vector<std::vector<TraceRecord>> records_;
  std::size_t later_ = 0;
};

/// What each shard did since it was at these parameters is what a replay of its own trace does to them.
void check_replays(const Quadratic& quadratic, Cluster& cluster, const std::vector<Report>& reports,
                   const std::vector<Checkpoint>* from = nullptr) {
  for (std::size_t i = 0; i < cluster.size(); ++i) {
    const Shard& shard = cluster.shard(i);
    const std::size_t size = shard.server.num_parameters();
    std::vector<float> theta = from ? (*from)[i].theta : ones(size);
    std::vector<float> velocity = from ? (*from)[i].velocity : std::vector<float>();
    TrainOptions options = shard.options;
    options.trace = nullptr;
    options.resume = nullptr;
    replay(Slice(quadratic, shard.first, size), theta, options, cluster.records(i),
           {.first = from ? (*from)[i].version : 0, .velocity = velocity, .last = reports[i].version});
    CHECK(std::equal(theta.begin(), theta.end(), cluster.theta().begin() + static_cast<std::ptrdiff_t>(shard.first)));
  }
}

/// The same of each learner.
void check_staleness(const Report& report, const std::vector<TraceRecord>& records, std::size_t workers) {
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

}  // namespace

TEST(rounds_have_the_bits_of_the_synchronous_engine_whoever_brings_what_where_and_when) {
  const Quadratic quadratic(kParameters, 50);
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Dice dice(seed, 1);
    TrainOptions options = random_rounds(dice);
    if (dice.once_in(3)) {
      options.epochs.reset();
      options.updates = dice.within(1, 20);
    }
    const Cut cut = random_cut(dice, kParameters, dice.one_of({2, 3, 5}));
    Cluster cluster(quadratic, cut, ones(kParameters), options, seed, kTrouble);
    cluster.run();
    const std::vector<Report> reports = cluster.finish();
    CHECK(same_bits(cluster.theta(), trained(quadratic, options)));
    for (const Report& report : reports) {
      CHECK_EQUAL(report.version, reports[cut.lead].version);
      CHECK_EQUAL(report.counts.gradients, reports[cut.lead].counts.gradients);
      CHECK_EQUAL(report.counts.tau_sum, 0u);
    }
    refused += cluster.refused();
  }
  CHECK(refused > 1000);
}

TEST(each_shard_counts_each_batch_once_and_its_replay_has_its_bits) {
  const Quadratic quadratic(kParameters, 50);
  std::uint64_t refused = 0, stale = 0, differ = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Dice dice(seed, 1);
    const TrainOptions options = random_softsync(dice);
    const Cut cut = random_cut(dice, kParameters, dice.one_of({2, 3, 5}));
    Cluster cluster(quadratic, cut, ones(kParameters), options, seed, kTrouble);
    cluster.run();
    const std::vector<Report> reports = cluster.finish();
    for (std::size_t i = 0; i < reports.size(); ++i) {
      CHECK_EQUAL(reports[i].counts.gradients, kBatches);
      CHECK(batches_of(cluster.records(i)) == all_batches());
      check_staleness(reports[i], cluster.records(i), options.workers);
      stale += reports[i].counts.tau_sum;
      differ += reports[i].counts.tau_sum != reports[cut.lead].counts.tau_sum;
    }
    check_replays(quadratic, cluster, reports);
    refused += cluster.refused();
  }
  CHECK(refused > 1000);
  CHECK(stale > 1000);
  CHECK(differ > 100);  // staleness is each shard's own
}

TEST(one_learner_has_the_bits_of_plain_sgd) {
  const Quadratic quadratic(kParameters, 50);
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Dice dice(seed, 1);
    TrainOptions options = options_of(dice.one_of<engine::Engine>({engine::Synchronous{}, engine::Softsync{},
                                                                   engine::Softsync{.n = 1}}),
                                      1);
    options.momentum = 0.9;
    options.weight_decay = 0.01;
    // The gradient of some components depends on the others only where they are clipped together. Whoever dies when
    // some shards have its gradient leaves others behind: who comes next reads parameters of two moments.
    Trouble trouble = kTrouble;
    if (dice.once_in(2))
      trouble.dies = 0, options.correction = correction::NormClipped{.bound = 2.0};
    Cluster cluster(quadratic, random_cut(dice, kParameters, dice.one_of({2, 3, 5})), ones(kParameters), options, seed,
                    trouble);
    cluster.run();
    cluster.finish();
    TrainOptions plain = options;
    plain.engine = engine::Sequential{};
    CHECK(same_bits(cluster.theta(), trained(quadratic, plain)));
  }
}

TEST(a_gradient_that_is_not_finite_somewhere_is_skipped_everywhere) {
  const Spoilt spoilt(kParameters, 50);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Dice dice(seed, 1);
    const bool in_rounds = dice.once_in(2);
    TrainOptions options = in_rounds ? random_rounds(dice) : random_softsync(dice);
    options.on_nonfinite = OnNonfinite::skip;
    const Cut cut = random_cut(dice, kParameters, dice.one_of({2, 3, 5}));
    Cluster cluster(spoilt, cut, ones(kParameters), options, seed, kTrouble);
    cluster.run();
    const std::vector<Report> reports = cluster.finish();
    for (std::size_t i = 0; i < reports.size(); ++i) {
      CHECK(reports[i].status == Status::completed);
      CHECK_EQUAL(reports[i].counts.skipped, 7u);
      CHECK_EQUAL(reports[i].counts.gradients, kBatches);
      CHECK(batches_of(cluster.records(i)) == all_batches(OnNonfinite::skip));
    }
    if (in_rounds)
      CHECK(same_bits(cluster.theta(), trained(spoilt, options)));
    else
      check_replays(spoilt, cluster, reports);
  }
}

TEST(shards_that_are_killed_go_on_from_checkpoints_of_different_moments) {
  const Quadratic quadratic(kParameters, 50);
  const Spoilt spoilt(kParameters, 50);
  std::uint64_t killed = 0, later = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Dice dice(seed, 2);
    const bool in_rounds = dice.once_in(2);
    TrainOptions options = in_rounds ? random_rounds(dice) : random_softsync(dice);
    if (dice.once_in(3)) options.on_nonfinite = OnNonfinite::skip;
    const Quadratic& objective = options.on_nonfinite == OnNonfinite::skip ? spoilt : quadratic;
    options.checkpoint = {.every = 3, .unit = CheckpointInterval::Unit::updates};
    const Cut cut = random_cut(dice, kParameters, dice.one_of({2, 3, 5}));
    Cluster first(objective, cut, ones(kParameters), options, seed, kTrouble);
    Keeper keeper(first, in_rounds, seed);
    std::uint64_t grace = dice.below(100);  // turns between the last checkpoint and the end
    first.run([&] {
      keeper.keep();
      return keeper.is_complete() && grace-- == 0;
    });
    if (!keeper.is_complete()) continue;
    ++killed;
    later += keeper.later();

    const std::vector<Checkpoint> saved = keeper.checkpoints();
    Cluster second(objective, cut, ones(kParameters), options, seed + 1000, kTrouble, &saved);
    second.run();
    const std::vector<Report> reports = second.finish();
    for (std::size_t i = 0; i < reports.size(); ++i) {
      CHECK_EQUAL(reports[i].counts.gradients, kBatches);
      CHECK(batches_of(joined(keeper.records(i), second.records(i))) == all_batches(options.on_nonfinite));
      check_staleness(reports[i], joined(keeper.records(i), second.records(i)), options.workers);
    }
    if (in_rounds)
      CHECK(same_bits(second.theta(), trained(objective, options)));
    else
      check_replays(objective, second, reports, &saved);
  }
  CHECK(killed > 100);
  CHECK(later > 50);  // shards that had batches which the lead hands out again
}

TEST(rounds_that_are_stopped_at_any_moment_end_and_go_on_together) {
  const Quadratic quadratic(kParameters, 50);
  const Spoilt spoilt(kParameters, 50);
  std::uint64_t amid = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Dice dice(seed, 2);
    TrainOptions options = random_rounds(dice);
    if (dice.once_in(3)) options.on_nonfinite = OnNonfinite::skip;
    const Quadratic& objective = options.on_nonfinite == OnNonfinite::skip ? spoilt : quadratic;
    const Cut cut = random_cut(dice, kParameters, dice.one_of({2, 3, 5}));
    Cluster first(objective, cut, ones(kParameters), options, seed, kTrouble);
    std::uint64_t turns = dice.below(600);
    first.run([&] { return turns-- == 0; });
    if (first.lead().is_over()) continue;
    first.lead().request_stop(Status::stopped);
    for (std::uint64_t i = dice.below(20); i > 0; --i) first.turn();  // what is on its way
    for (std::size_t i = 0; i < first.size(); ++i) first.follow(i);
    for (std::size_t i = 0; i < first.size(); ++i) CHECK_EQUAL(first.server(i).version(), first.lead().version());
    const std::vector<Checkpoint> saved = checkpoints_of(first);
    for (const Checkpoint& each : saved) amid += each.open != saved[cut.lead].open;
    first.finish();
    CHECK(same_bits(first.theta(), after_updates(objective, options, saved[cut.lead].version)));

    Cluster second(objective, cut, ones(kParameters), options, seed + 1000, kTrouble, &saved);
    second.run();
    for (const Report& report : second.finish()) CHECK_EQUAL(report.counts.gradients, kBatches);
    CHECK(same_bits(second.theta(), trained(objective, options)));
  }
  CHECK(amid > 50);  // shards had other batches than the lead
}
