// The parameter server, with learners that come and go, are lost, repeat themselves and are late.
#include <set>

#include "asap/server/learner.h"
#include "asap/server/parameter_server.h"
#include "asap/train/replay.h"
#include "check.h"
#include "dice.h"
#include "quadratic.h"
#include "replay_plan.h"

using namespace asap;
using namespace asap::server;
using replay_test::same_bits;

namespace {

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

/// A gradient on its way.
struct Letter {
  Delivery delivery;
  std::vector<float> gradient;
};

/// What may go wrong with each gradient, in per cent.
struct Trouble {
  std::uint64_t lost = 0, repeated = 0;
};

/// A server and its learners: in every turn somebody begins a batch, or what somebody has computed arrives.
class Cluster {
 public:
  Cluster(const Objective& objective, std::vector<float> theta, TrainOptions options, std::uint64_t seed,
          Trouble trouble = {}, std::size_t most_workers = 0)
      : objective_(objective),
        options_(traced(std::move(options))),
        theta_(std::move(theta)),
        trouble_(trouble),
        dice_(seed),
        learner_(objective, options_),
        server_(objective.num_samples(), theta_, options_, std::max(most_workers, options_.workers), observer_),
        at_(std::max(most_workers, options_.workers)) {}

  /// Until the run is over, or `until` says so.
  template <class Until>
  void run(Until&& until) {
    while (!server_.is_over() && !until()) turn();
  }
  void run() {
    run([] { return false; });
  }

  Report finish() { return server_.finish(theta_); }

  ParameterServer& server() { return server_; }
  const std::vector<TraceRecord>& records() const { return trace_.records; }
  const std::vector<float>& theta() const { return theta_; }
  std::uint64_t refused() const { return refused_; }

 private:
  TrainOptions traced(TrainOptions options) {
    options.trace = &trace_;
    return options;
  }

  void turn() {
    const std::size_t worker = dice_.below(server_.workers());
    if (!at_[worker])
      begin(worker);
    else if (dice_.below(100) < trouble_.lost)
      lose(worker);
    else
      bring(worker);
  }

  void begin(std::size_t worker) {
    const auto batch = server_.take(worker);
    if (!batch) return;
    Letter letter{{*batch, worker, server_.version(), 0.0, nullptr}, std::vector<float>(server_.num_parameters())};
    letter.delivery.loss = learner_.gradient(*batch, server_.parameters(), letter.gradient.data());
    at_[worker] = std::move(letter);
  }

  /// Half of the lost ones are only late: their gradient comes, when somebody else has the batch.
  void lose(std::size_t worker) {
    server_.lose(worker);
    if (dice_.once_in(2)) late_.push_back(std::move(*at_[worker]));
    at_[worker].reset();
  }

  void bring(std::size_t worker) {
    const Letter letter = std::move(*at_[worker]);
    at_[worker].reset();
    deliver(letter);
    if (dice_.below(100) < trouble_.repeated) deliver(letter);
    if (!late_.empty() && dice_.once_in(2)) {
      const Letter late = std::move(late_.back());
      late_.pop_back();
      deliver(late);
    }
  }

  void deliver(const Letter& letter) {
    Delivery delivery = letter.delivery;
    delivery.gradient = letter.gradient.data();
    refused_ += !server_.receive(delivery);
  }

  const Objective& objective_;
  TraceMemory trace_;
  const TrainOptions options_;
  std::vector<float> theta_;
  const Trouble trouble_;
  Dice dice_;
  Observer observer_;
  Learner learner_;
  ParameterServer server_;
  std::vector<std::optional<Letter>> at_;
  std::vector<Letter> late_;
  std::uint64_t refused_ = 0;
};

const engine::Engine kEngines[]{engine::Synchronous{}, engine::Softsync{}, engine::Softsync{.n = 1},
                                engine::Softsync{.n = 2}};

std::vector<float> ones(std::size_t size) { return std::vector<float>(size, 1.0f); }

/// The batches whose gradients were not refused, in the order of their numbers.
std::vector<std::uint64_t> batches_of(const std::vector<TraceRecord>& records) {
  std::vector<std::uint64_t> batches;
  for (const TraceRecord& record : records) batches.push_back(record.batch);
  std::sort(batches.begin(), batches.end());
  return batches;
}

std::vector<std::uint64_t> first_numbers(std::uint64_t n) {
  std::vector<std::uint64_t> numbers(n);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

std::vector<float> trained(const Objective& objective, const TrainOptions& options) {
  std::vector<float> theta = ones(objective.num_parameters());
  train(objective, theta, options);
  return theta;
}

}  // namespace

TEST(rounds_have_the_bits_of_the_synchronous_engine_whoever_brings_what_when) {
  const Quadratic quadratic(37, 50);  // 17 batches an epoch, the last one of 2 samples
  for (const std::size_t workers : {1, 2, 3, 5, 16}) {
    TrainOptions options = options_of(engine::Synchronous{}, workers);
    options.momentum = 0.5;
    options.weight_decay = 0.01;
    const std::vector<float> expected = trained(quadratic, options);
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      Cluster cluster(quadratic, ones(37), options, seed, {.lost = 20, .repeated = 20});
      cluster.run();
      cluster.finish();
      CHECK(same_bits(cluster.theta(), expected));
      CHECK_EQUAL(batches_of(cluster.records()).size(), 4u * 17u);
    }
  }
}

TEST(one_learner_has_the_bits_of_plain_sgd) {
  const Quadratic quadratic(37, 50);
  for (const engine::Engine& engine : {kEngines[0], kEngines[1], kEngines[2]}) {
    TrainOptions options = options_of(engine, 1), plain = options_of(engine::Sequential{}, 1);
    for (TrainOptions* each : {&options, &plain}) {
      each->momentum = 0.9;
      each->correction = correction::NormClipped{.bound = 2.0};
      each->epochs.reset();
      each->updates = 40;
    }
    Cluster cluster(quadratic, ones(37), options, 1);
    cluster.run();
    CHECK_EQUAL(cluster.finish().counts.published, 40u);
    CHECK(same_bits(cluster.theta(), trained(quadratic, plain)));
  }
}

TEST(each_batch_counts_once_and_a_replay_has_the_bits_whatever_is_lost_repeated_or_late) {
  const Quadratic quadratic(37, 50);
  std::uint64_t refused = 0, stale = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Dice dice(seed, 1);
    TrainOptions options = options_of(kEngines[dice.below(std::size(kEngines))], dice.within(2, 9));
    options.momentum = dice.one_of({0.0, 0.5});
    options.policy = random_policy(dice, 4, 10);
    Cluster cluster(quadratic, ones(37), options, seed, {.lost = 15, .repeated = 15});
    cluster.run();
    const Report report = cluster.finish();
    CHECK(batches_of(cluster.records()) == first_numbers(4 * 17));
    std::vector<float> theta = ones(37);
    replay(quadratic, theta, options, cluster.records(), {.first = 0, .velocity = {}, .last = report.version});
    CHECK(same_bits(theta, cluster.theta()));
    refused += cluster.refused();
    stale += report.counts.tau_sum;
  }
  CHECK(refused > 100);  // there was something to refuse
  CHECK(stale > 1000);
}

TEST(the_staleness_is_that_of_the_trace_for_each_learner) {
  const Quadratic quadratic(37, 50);
  TrainOptions options = options_of(engine::Softsync{.n = 2}, 6);
  Cluster cluster(quadratic, ones(37), options, 5, {.lost = 10, .repeated = 10});
  cluster.run();
  const Report report = cluster.finish();
  std::vector<TeamTauCounts> counted(1, TeamTauCounts(6));
  for (const TraceRecord& record : cluster.records()) counted[0].add(record.worker, record.tau());
  const std::vector<Distribution> expected = counted[0].distributions();
  for (std::size_t worker = 0; worker < 6; ++worker) {
    const auto counts = report.staleness[worker].counts();
    CHECK(std::equal(counts.begin(), counts.end(), expected[worker].counts().begin(), expected[worker].counts().end()));
  }
}

TEST(an_update_needs_as_many_gradients_as_the_present_learners_give) {
  const Quadratic quadratic(5, 300);
  TrainOptions options = options_of(engine::Softsync{.n = 2}, 8);  // c = 4
  Cluster cluster(quadratic, ones(5), options, 1, {}, 8);
  const auto gradients_of_updates = [&](std::size_t from) {
    std::vector<std::size_t> sizes(1);
    for (const TraceRecord& record : std::span(cluster.records()).subspan(from)) {
      ++sizes.back();
      if (record.outcome == Outcome::published) sizes.push_back(0);
    }
    sizes.pop_back();
    return sizes;
  };
  for (const std::size_t workers : {8, 4, 2, 1, 6}) {
    cluster.server().resize(workers);
    const auto traced = [&] { return cluster.server().ledger().counts().gradients; };
    const Version first = cluster.server().version();
    cluster.run([&] { return cluster.server().version() == first + 6; });
    CHECK(traced() > 0);
  }
  cluster.finish();
  const std::vector<std::size_t> sizes = gradients_of_updates(0);
  const std::size_t expected[]{4, 2, 1, 1, 3};
  for (std::size_t i = 0; i < 5 * 6; ++i) CHECK_EQUAL(sizes[i], expected[i / 6]);
}

TEST(a_server_that_is_killed_goes_on_from_its_checkpoint_without_losing_or_doubling_a_batch) {
  const Quadratic quadratic(37, 50);
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Dice dice(seed, 2);
    const std::size_t workers = dice.within(1, 6);
    TrainOptions options = options_of(kEngines[dice.below(workers == 1 ? 3 : std::size(kEngines))], workers);
    options.momentum = 0.5;
    options.policy = random_policy(dice, 4, 10);
    options.checkpoint = {.every = 7, .unit = CheckpointInterval::Unit::updates};
    std::optional<Checkpoint> saved;
    Version last = 0;
    {
      Cluster killed(quadratic, ones(37), options, seed, {.lost = 10, .repeated = 10});
      const std::uint64_t moment = dice.within(8, 40);
      killed.run([&] {
        if (killed.server().is_checkpoint_due()) saved = killed.server().checkpoint();
        return killed.server().ledger().counts().gradients >= moment;
      });
      last = killed.server().version();
    }
    if (!saved) continue;
    CHECK(last < saved->version + 7);  // no more than the interval is lost
    TrainOptions resumed = options;
    resumed.resume = &*saved;
    Cluster cluster(quadratic, ones(37), resumed, seed + 1000, {.lost = 10, .repeated = 10});
    cluster.run();
    const Report report = cluster.finish();
    CHECK_EQUAL(report.counts.gradients, 4u * 17u);
    CHECK_EQUAL(cluster.records().size() + saved->gradients, 4u * 17u);
    std::vector<float> theta = saved->theta, velocity = saved->velocity;
    replay(quadratic, theta, options, cluster.records(),
           {.first = saved->version, .velocity = velocity, .last = report.version});
    CHECK(same_bits(theta, cluster.theta()));
    if (std::holds_alternative<engine::Synchronous>(options.engine) || options.workers == 1)
      CHECK(same_bits(cluster.theta(), trained(quadratic, options)));
  }
}

/// A learner begins, another one has so many updates meanwhile, and then its gradient comes: C as applied.
double scale_after(std::uint64_t updates, ParameterServer& server) {
  const std::vector<float> gradient(server.num_parameters());
  const auto begin = [&](std::size_t worker) {
    return Delivery{server.take(worker).value(), worker, server.version(), 0.0, gradient.data()};
  };
  const Delivery stale = begin(0);
  for (std::uint64_t i = 0; i < updates; ++i) CHECK(server.receive(begin(1)));
  const double before = server.ledger().counts().step_sum;
  CHECK(server.receive(stale));
  return server.ledger().counts().step_sum - before;
}

TEST(a_gradient_however_stale_has_the_scale_of_the_formula_behind_a_checkpoint_too) {
  TrainOptions options = options_of(engine::Softsync{}, 2);
  options.batch_size = 1;
  options.rate = Rate::constant(1.0);
  Observer observer;
  const std::vector<float> theta = ones(2);
  struct Case {
    Policy policy;
    double first, second, bound = 1e-9;
  };
  for (const auto& [policy, of_first, of_second, bound] :
       {Case{policy::inverse(), 1.0 / 5'000, 1.0 / 50'000}, Case{policy::ringmaster(6'000), 1.0, 0.0},
        // a checkpoint counts all τ ≥ 4,095 together: C there is 1 − A and half of p(4,095)
        Case{policy::tail_tau(0.5, Cdf::mid, OnlineSample{.every = 3'000, .half_life = 1e6}), 1.0, 0.5, 1e-3}}) {
    options.policy = policy;
    options.resume = nullptr;
    ParameterServer first(100'000, theta, options, 2, observer);
    CHECK_NEAR(scale_after(5'000, first), of_first, bound);
    for (int i = 0; i < 3'000; ++i) scale_after(0, first);
    const std::optional<Checkpoint> saved = first.checkpoint();
    options.resume = &*saved;
    ParameterServer second(100'000, theta, options, 2, observer);
    CHECK_NEAR(scale_after(50'000, second), of_second, bound);
  }
}

TEST(the_learners_in_a_formula_are_those_of_the_moment) {
  TrainOptions options = options_of(engine::Softsync{}, 8);
  options.rate = Rate::constant(1.0);
  options.policy = policy::delay_adaptive();
  Observer observer;
  const std::vector<float> theta = ones(2);
  ParameterServer server(1'000, theta, options, 16, observer);
  for (const std::size_t workers : {8, 16, 4}) {
    server.resize(workers);
    CHECK_NEAR(scale_after(20, server), static_cast<double>(workers) / 20.0, 1e-9);
  }
}

TEST(a_run_that_is_stopped_within_a_round_goes_on_with_fewer_learners) {
  const Quadratic quadratic(37, 50);
  TrainOptions options = options_of(engine::Synchronous{}, 5);
  Cluster stopped(quadratic, ones(37), options, 3);
  stopped.run([&] { return stopped.server().version() == 2 && stopped.server().ledger().counts().gradients == 10; });
  for (std::size_t worker = 0; worker < 4; ++worker) stopped.server().take(worker);
  const std::optional<Checkpoint> saved = stopped.server().checkpoint();
  CHECK_EQUAL(saved->open.size(), 4u);
  options.workers = 3;
  options.resume = &*saved;
  Cluster cluster(quadratic, ones(37), options, 4);
  cluster.run();
  CHECK_EQUAL(cluster.finish().counts.gradients, 4u * 17u);
  CHECK_EQUAL(cluster.records().size(), 4u * 17u - 10u);
}

TEST(shards_of_a_vector_have_its_bits_when_gradients_come_to_all_in_one_order) {
  const Quadratic quadratic(100, 50);
  TrainOptions options = options_of(engine::Softsync{.n = 2}, 4);
  Observer silent;
  const std::vector<float> theta = ones(100);
  ParameterServer whole(50, theta, options, 4, silent), left(50, std::span(theta).first(33), options, 4, silent),
      right(50, std::span(theta).subspan(33), options, 4, silent);
  Learner learner(quadratic, options);
  std::vector<float> gradient(100);
  for (std::uint64_t turn = 0; !whole.is_over(); ++turn) {
    const std::size_t worker = turn % 4;
    const std::uint64_t batch = *whole.take(worker);
    const double loss = learner.gradient(batch, whole.parameters(), gradient.data());
    for (ParameterServer* shard : {&left, &right}) shard->hold(worker, batch);
    for (auto [server, first] : {std::pair{&whole, 0}, {&left, 0}, {&right, 33}})
      CHECK(server->receive({batch, worker, server->version(), loss, gradient.data() + first}));
  }
  CHECK(left.is_over() && right.is_over());
  CHECK(std::equal(left.parameters(), left.parameters() + 33, whole.parameters()));
  CHECK(std::equal(right.parameters(), right.parameters() + 67, whole.parameters() + 33));
}

TEST(gradients_that_are_not_finite_are_skipped_or_end_the_run) {
  const Quadratic quadratic(5, 30);
  for (const engine::Engine& engine : {kEngines[0], kEngines[3]}) {
    TrainOptions options = options_of(engine, 2);
    const auto run = [&](OnNonfinite reaction) {
      options.on_nonfinite = reaction;
      Observer silent;
      ParameterServer server(30, ones(5), options, 2, silent);
      const std::vector<float> good(5, 1.0f), bad(5, std::numeric_limits<float>::infinity());
      for (std::uint64_t turn = 0; !server.is_over(); ++turn) {
        const auto batch = server.take(turn % 2);
        if (batch) server.receive({*batch, turn % 2, server.version(), 1.0, (*batch % 10 == 3 ? bad : good).data()});
      }
      std::vector<float> theta(5);
      Report report = server.finish(theta);
      CHECK(std::all_of(theta.begin(), theta.end(), [](float x) { return std::isfinite(x); }));
      return report;
    };
    CHECK(run(OnNonfinite::stop).status == Status::diverged);
    const Report skipped = run(OnNonfinite::skip);
    CHECK(skipped.status == Status::completed);
    CHECK_EQUAL(skipped.counts.skipped, 4u);
    CHECK_EQUAL(skipped.counts.gradients, 40u);
  }
}

TEST(what_does_not_fit_is_refused_with_the_argument_what_was_given_and_what_is_accepted) {
  Observer silent;
  const std::vector<float> theta = ones(5);
  const auto make = [&](const TrainOptions& options, std::size_t most) {
    ParameterServer(30, theta, options, most, silent);
  };
  const TrainOptions fine = options_of(engine::Softsync{}, 2);
  CHECK_THROWS(std::invalid_argument, make(options_of(engine::Locked{}, 2), 2), "softsync or synchronous");
  CHECK_THROWS(std::invalid_argument, make(fine, 1), "most_workers must be between workers, 2, and 4096; got 1");
  TrainOptions corrected = options_of(engine::Synchronous{}, 2);
  corrected.correction = correction::DelayCompensated{.strength = 0.1};
  CHECK_THROWS(std::invalid_argument, make(corrected, 2), "correction must be one that needs the gradient alone");
  ParameterServer server(30, theta, fine, 2, silent);
  const std::vector<float> gradient(5);
  CHECK_THROWS(std::invalid_argument, server.take(2), "worker must be below 2; got 2");
  CHECK_THROWS(std::invalid_argument, server.resize(3), "workers must be 1 to 2; got 3");
  CHECK_THROWS(std::invalid_argument, server.hold(0, 40), "batch must be below 40; got 40");
  const std::uint64_t batch = *server.take(0);
  CHECK_THROWS(std::invalid_argument, server.receive({batch, 0, 1, 0.0, gradient.data()}),
               "a gradient must be of a version up to the present one, 0; got 1");
  CHECK(!server.receive({batch, 1, 0, 0.0, gradient.data()}));  // somebody else's
  CHECK(server.receive({batch, 0, 0, 0.0, gradient.data()}));
  CHECK(!server.receive({batch, 0, 0, 0.0, gradient.data()}));  // again
}
