// Tables that reject every gradient they meet: with an online sample the next one comes all the same, on threads, in
// virtual time and behind a checkpoint of the parameter server; a window is complete by published updates alone.
#include "asap/server/learner.h"
#include "asap/server/parameter_server.h"
#include "engines.h"
#include "simulations.h"

namespace {

using namespace asap;
using namespace simulations;

const OnlineSample kOnline{.every = 5, .half_life = 20};
constexpr std::size_t kWorkers = 4;
constexpr std::uint64_t kDistance = 5 * kWorkers;  // from one table to the next

/// C = 1 until there is a sample, 0 in the first table that is made of one, and 1 in all others.
struct Relenting {
  std::uint64_t made = 0;
  Policy policy() {
    return {"relenting",
            [this](const Distribution&, const StepContext&) { return ScaleTable({made++ == 1 ? 0.0 : 1.0}); }, kOnline};
  }
};

/// Ends a run on threads once updates are published again, or as soon as the table that allows it is overdue.
class Overseer : public Observer {
 public:
  explicit Overseer(const Relenting& policy) : policy_(policy) {}

  void on_tick(LiveRun& live) override {
    const Counts counts = live.counts();
    if (policy_.made <= 2)
      stop_if(live, is_overdue_);  // the coordinator asks before each tick
    else if (relented_at_)
      stop_if(live, counts.published > *relented_at_);
    else
      relented_at_ = counts.published;
    // Every worker may have counted one more than it has sampled.
    is_overdue_ = counts.rejected >= kDistance + kWorkers;
  }

  /// How many updates had been published when the table was seen that rejects nothing.
  const std::optional<std::uint64_t>& relented_at() const { return relented_at_; }

 private:
  static void stop_if(LiveRun& live, bool condition) {
    if (condition) live.request_stop();
  }

  const Relenting& policy_;
  bool is_overdue_ = false;
  std::optional<std::uint64_t> relented_at_;
};

TEST(threads_publish_again_after_a_table_that_rejects_everything) {
  const Quadratic quadratic(20);
  for (const engine::Engine& engine : engines::kOfEachKind) {
    Relenting relenting;
    Overseer overseer(relenting);
    std::vector<float> theta(20, 1.0f);
    const TrainOptions options{.engine = engine,
                               .workers = engines::workers_of(engine, kWorkers),
                               .batch_size = 3,
                               .seconds = 1e6,
                               .rate = Rate::constant(0.05),
                               .policy = relenting.policy()};
    const Report report = train(quadratic, theta, options, overseer);
    CHECK(relenting.made > 2);  // whether or not it met gradients while it rejected: the next may be due at once
    CHECK(overseer.relented_at() && report.counts.published > *overseer.relented_at());
  }
}

TEST(simulations_publish_again_after_as_many_rejected_gradients_as_a_table_takes) {
  for (const engine::Engine& engine : kConsistent) {
    const auto run = [&] {
      Relenting relenting;
      SimulationOptions options = options_of(engine, kWorkers, 0);
      options.train.updates.reset();
      options.train.epochs = 20;
      options.train.policy = relenting.policy();
      return simulated(Quadratic(3), options);
    };
    const Simulated first = run(), second = run();
    const Report& report = first.report.report;
    CHECK(report.tables.tables.size() > 3);
    CHECK_EQUAL(report.tables.tables.at(1).version, kDistance);
    // Those whose scale was known before the table came still have the old one, of each worker one at most.
    CHECK(report.counts.rejected + kWorkers >= kDistance && report.counts.rejected <= kDistance + kWorkers);
    CHECK(report.counts.published > 4 * kDistance);
    CHECK(first.theta == second.theta);
    CHECK(taus(first) == taus(second));
  }
}

TEST(a_window_is_complete_by_published_updates_alone) {
  for (const engine::Engine& engine : {engine::Engine{engine::Locked{}}, engine::Engine{engine::Leashed{}}}) {
    SimulationOptions options = options_of(engine, kWorkers, 400);
    const auto stale_rejected = [](const Distribution&, const StepContext&) { return ScaleTable({1.0, 0.0}); };
    options.train.policy = {"stale rejected", stale_rejected, SampleWindow{2, 12}};
    const Report report = simulated(Quadratic(3), options).report.report;
    const TableRecord& table = report.tables.tables.at(1);
    CHECK_EQUAL(table.version, 12 * kWorkers);
    CHECK(table.seen.total() > 10 * kWorkers);  // rejected ones, too
    CHECK_EQUAL(report.tables.tables.size(), 2u);
  }
}

/// A parameter server with one learner, until so many of its gradients have come.
struct Served {
  explicit Served(const TrainOptions& the_options)
      : options(the_options), learner(quadratic, options), server(100, theta, options, 1, observer) {}

  void run(std::uint64_t gradients) {
    while (server.ledger().counts().gradients < gradients) {
      const std::uint64_t batch = server.take(0).value();
      const double loss = learner.gradient(batch, server.parameters(), gradient.data());
      CHECK(server.receive({batch, 0, server.version(), loss, gradient.data()}));
    }
  }

  const TrainOptions options;
  const Quadratic quadratic{3};
  std::vector<float> theta = {1, 1, 1}, gradient = {0, 0, 0};
  Observer observer;
  server::Learner learner;
  server::ParameterServer server;
};

TEST(rejected_gradients_before_a_checkpoint_count_behind_it) {
  constexpr std::uint64_t kAll = 40;  // a table comes every 5
  for (const std::uint64_t interrupted : {3, 5, 7, 9, 10, 12}) {
    Relenting for_whole, for_parts;
    TrainOptions options{.engine = engine::Softsync{}, .workers = 1, .batch_size = 3, .epochs = 10};
    options.policy = for_whole.policy();
    Served whole(options);
    whole.run(kAll);
    options.policy = for_parts.policy();
    Served first(options);
    first.run(interrupted);
    const std::optional<Checkpoint> saved = first.server.checkpoint();
    options.resume = &*saved;
    Served second(options);
    second.run(kAll);
    const Report expected = whole.server.finish(whole.theta), found = second.server.finish(second.theta);
    CHECK_EQUAL(expected.counts.rejected, 5u);
    CHECK_EQUAL(found.counts.rejected, 5u);
    CHECK_EQUAL(found.counts.published, kAll - 5);
    CHECK(whole.theta == second.theta);
    CHECK_EQUAL(found.tables.tables.size(), expected.tables.tables.size());
    for (std::size_t i = 0; i < found.tables.tables.size(); ++i)
      CHECK_EQUAL(found.tables.tables[i].version, expected.tables.tables[i].version);
  }
}

}  // namespace
