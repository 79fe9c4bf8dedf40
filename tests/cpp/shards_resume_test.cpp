// Shards that go on: killed and restored from checkpoints of different moments, or stopped within a round.
#include "shard_runs.h"

using namespace shards_test;

namespace {

std::vector<float> after_updates(const Objective& objective, TrainOptions options, std::uint64_t updates) {
  if (updates == 0) return ones(objective.num_parameters());
  options.epochs.reset();
  options.updates = updates;
  return trained(objective, options);
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

/// Of shards in the middle of a round: that of one server of all parameters.
Checkpoint joined(const std::vector<Checkpoint>& shards, std::size_t lead) {
  Checkpoint whole = shards[lead];
  whole.theta.clear(), whole.velocity.clear();
  for (const Checkpoint& shard : shards) {
    whole.theta.insert(whole.theta.end(), shard.theta.begin(), shard.theta.end());
    whole.velocity.insert(whole.velocity.end(), shard.velocity.begin(), shard.velocity.end());
  }
  return whole;
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

}  // namespace

TEST(shards_that_are_killed_go_on_from_checkpoints_of_different_moments) {
  const Quadratic quadratic(kParameters, 50);
  const Spoilt spoilt(kParameters, 50);
  std::uint64_t killed = 0, later = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
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
      const std::vector<TraceRecord> records = joined(keeper.records(i), second.records(i));
      CHECK_EQUAL(reports[i].counts.gradients, kBatches);
      CHECK(batches_of(records) == all_batches(options.on_nonfinite));
      check_staleness(reports[i], records, options.workers);
      if (!in_rounds) check_replay(objective, second, i, records, reports[i].version);
    }
    if (in_rounds) CHECK(same_bits(second.theta(), trained(objective, options)));
  }
  CHECK(killed > 100);
  CHECK(later > 50);  // shards that had batches which the lead hands out again
}

TEST(rounds_that_are_stopped_at_any_moment_end_and_go_on_together) {
  const Quadratic quadratic(kParameters, 50);
  const Spoilt spoilt(kParameters, 50);
  std::uint64_t amid = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
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

    const bool is_same_team = dice.once_in(2);
    TrainOptions further = options;
    if (!is_same_team) further.workers = dice.within(1, 6);
    Cluster second(objective, cut, ones(kParameters), further, seed + 1000, kTrouble, &saved);
    second.run();
    for (const Report& report : second.finish()) CHECK_EQUAL(report.counts.gradients, kBatches);
    if (is_same_team) CHECK(same_bits(second.theta(), trained(objective, options)));
    const std::vector<Checkpoint> whole{joined(saved, cut.lead)};
    Cluster uncut(objective, kUncut, ones(kParameters), further, 0, {}, &whole);
    uncut.run();
    uncut.finish();
    CHECK(same_bits(second.theta(), uncut.theta()));
  }
  CHECK(amid > 50);  // shards had other batches than the lead
}
