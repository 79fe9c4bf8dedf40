// A parameter server that is cut into shards: whatever is lost, repeated or late, at some of them or at all, each has
// its part of what one server would have.
#include "shard_runs.h"

using namespace shards_test;

TEST(rounds_have_the_bits_of_the_synchronous_engine_whoever_brings_what_where_and_when) {
  const Quadratic quadratic(kParameters, 50);
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
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
    for (std::size_t i = 0; i < reports.size(); ++i) {
      CHECK_EQUAL(reports[i].version, reports[cut.lead].version);
      CHECK(batches_of(cluster.records(i)) == batches_of(cluster.records(cut.lead)));
      CHECK(std::ranges::all_of(cluster.records(i), [](const TraceRecord& record) { return record.tau() == 0; }));
    }
    refused += cluster.refused();
  }
  CHECK(refused > 1000);
}

TEST(rounds_are_those_of_one_server_while_learners_come_and_go) {
  const Quadratic quadratic(kParameters, 50);
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    Dice dice(seed, 1);
    const TrainOptions options = random_rounds(dice);
    std::vector<std::size_t> workers(10);
    for (std::size_t& each : workers) each = dice.within(1, 8);
    const auto run = [&](const Cut& cut, Trouble trouble) {
      Cluster cluster(quadratic, cut, ones(kParameters), options, seed, trouble);
      Version next = 1;
      cluster.run([&] {
        if (const Version now = cluster.lead().version(); now >= next) {
          cluster.resize(workers[now % workers.size()]);
          next = now + 1;
        }
        return false;
      });
      cluster.finish();
      std::vector<std::size_t> sizes(cluster.lead().version());
      for (const TraceRecord& record : cluster.records(cut.lead)) ++sizes[record.read];
      for (std::size_t v = 2; v + 1 < sizes.size(); ++v) CHECK_EQUAL(sizes[v], workers[(v - 1) % workers.size()]);
      return cluster.theta();
    };
    const std::vector<float> expected = run(kUncut, {});
    CHECK(same_bits(run(random_cut(dice, kParameters, dice.one_of({2, 3, 5})), kTrouble), expected));
  }
}

TEST(each_shard_counts_each_batch_once_and_its_replay_has_its_bits) {
  const Quadratic quadratic(kParameters, 50);
  std::uint64_t refused = 0, stale = 0, differ = 0;
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
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
      check_replay(quadratic, cluster, i, cluster.records(i), reports[i].version);
      stale += reports[i].counts.tau_sum;
      differ += reports[i].counts.tau_sum != reports[cut.lead].counts.tau_sum;
    }
    refused += cluster.refused();
  }
  CHECK(refused > 1000);
  CHECK(stale > 1000);
  CHECK(differ > 100);  // staleness is each shard's own
}

TEST(one_learner_has_the_bits_of_plain_sgd) {
  const Quadratic quadratic(kParameters, 50);
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    Dice dice(seed, 1);
    TrainOptions options = options_of(
        dice.one_of<engine::Engine>({engine::Synchronous{}, engine::Softsync{}, engine::Softsync{.n = 1}}), 1);
    options.momentum = 0.9;
    options.weight_decay = 0.01;
    // The gradient of some components depends on the others only where they are clipped together. Whoever dies when
    // some shards have its gradient leaves others behind: who comes next reads parameters of two moments.
    Trouble trouble = kTrouble;
    if (dice.once_in(2)) trouble.dies = 0, options.correction = correction::NormClipped{.bound = 2.0};
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
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
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
      if (!in_rounds) check_replay(spoilt, cluster, i, cluster.records(i), reports[i].version);
    }
    if (in_rounds) CHECK(same_bits(cluster.theta(), trained(spoilt, options)));
  }
}

TEST(what_was_sent_by_one_who_is_lost_is_not_taken_for_that_of_its_successor) {
  Observer silent;
  ParameterServer shard(50, ones(2), options_of(engine::Softsync{}, 2), 2, silent, Role::shard);
  const std::vector<float> gradient(2);
  const auto bring = [&](std::uint64_t batch, std::size_t worker, Version read) {
    return shard.receive({batch, worker, read, 0.0, gradient.data()});
  };
  shard.hold(0, 0);
  shard.lose(0);
  CHECK(!bring(0, 0, 0));
  shard.hold(1, 1);
  CHECK(bring(1, 1, 0));
  shard.hold(0, 0);  // and reads version 1
  CHECK(!bring(0, 0, 0));
  CHECK(bring(0, 0, 1));
}
