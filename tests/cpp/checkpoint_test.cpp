// Checkpoints and the runs that go on from them. With one worker, and with any number in rounds, the bits are those of
// a run that was never interrupted; with several, no update is lost and none applied twice, which the traces of both
// parts show.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "asap/store/store.h"
#include "asap/trace/check.h"
#include "check.h"
#include "engines.h"
#include "replay_plan.h"

namespace {

using namespace replay_test;

/// Keeps the checkpoints of a run, and stops it after some.
class Keeper : public Observer {
 public:
  explicit Keeper(std::size_t enough) : enough_(enough) {}
  void on_checkpoint(const Checkpoint& checkpoint, LiveRun& live) override {
    checkpoints.push_back(checkpoint);
    if (checkpoints.size() >= enough_) live.request_stop();
  }
  std::vector<Checkpoint> checkpoints;

 private:
  std::size_t enough_;
};

const std::vector<engine::Engine> kEngines{engine::Sequential{},
                                           engine::Synchronous{},
                                           engine::Locked{},
                                           engine::Hogwild{.read = engine::Read::in_place},
                                           engine::Hogwild{.read = engine::Read::copy},
                                           engine::Leashed{},
                                           engine::Leashed{.read = engine::Read::copy},
                                           engine::Leashed{.persistence = 0},
                                           engine::Softsync{},
                                           engine::Softsync{.n = 1}};

/// A run without an end in which much goes on: momentum, weight decay, a rate that falls, rejections.
TrainOptions endless(const engine::Engine& engine, std::size_t workers) {
  return {.engine = engine,
          .workers = engines::workers_of(engine, workers),
          .batch_size = 3,
          .epochs = 100'000'000,
          .rate = Rate::step(0.05, 0.999, 50),
          .policy = replays_exactly(engine) ? policy::fixed({1.0, 0.5, 0.25, 0.0}) : policy::inverse(),
          .momentum = 0.5,
          .weight_decay = 0.01,
          .checkpoint = CheckpointInterval{.every = 1, .unit = CheckpointInterval::Unit::updates}};
}

/// One part of a run.
struct Part {
  std::vector<float> start, theta;
  std::vector<TraceRecord> records;
  std::vector<Checkpoint> checkpoints;
  Report report;
};

constexpr auto kAll = std::numeric_limits<std::size_t>::max();

Part run(const Objective& objective, std::vector<float> start, TrainOptions options, std::size_t enough = kAll) {
  TraceMemory memory;
  options.trace = &memory;
  Part part{.start = start, .theta = std::move(start), .records = {}, .checkpoints = {}, .report = {}};
  Keeper keeper(enough);
  part.report = train(objective, part.theta, options, keeper);
  part.records = std::move(memory.records);
  part.checkpoints = std::move(keeper.checkpoints);
  return part;
}

TrainOptions resumed(TrainOptions options, const Checkpoint& checkpoint) {
  options.resume = &checkpoint;
  return options;
}

/// Until so many updates, without further checkpoints but the last one.
TrainOptions until(TrainOptions options, std::uint64_t updates) {
  options.updates = updates;
  options.checkpoint = CheckpointInterval{.every = 1e18, .unit = CheckpointInterval::Unit::updates};
  return options;
}

bool same_numbers(const Counts& a, const Counts& b) {
  Counts difference = a;
  difference -= b;
  return difference.gradients == 0 && difference.published == 0 && difference.merged == 0 && difference.gathered == 0 &&
         difference.dropped == 0 && difference.rejected == 0 && difference.skipped == 0 && difference.attempts == 0 &&
         difference.samples == 0 && difference.tau_sum == 0;
}

bool same(const Counts& a, const Counts& b) {
  return same_numbers(a, b) && a.loss_sum == b.loss_sum && a.step_sum == b.step_sum;
}

bool same(const Distribution& a, const Distribution& b) {
  return std::equal(a.counts().begin(), a.counts().end(), b.counts().begin(), b.counts().end()) &&
         a.tau_sum() == b.tau_sum();
}

/// Rows, without times. Where the coordinator had no time an epoch shares a row with the next one: compared is what was
/// counted up to any epoch at which both have a row, as at the end.
void check_same(const std::vector<EpochRecord>& a, const std::vector<EpochRecord>& b) {
  CHECK_EQUAL(a.back().epoch, b.back().epoch);
  Counts of_a, of_b;
  std::size_t k = 0;
  for (const EpochRecord& row : a) {
    of_a += row.since_last;
    for (; k < b.size() && b[k].epoch <= row.epoch; ++k) of_b += b[k].since_last;
    if (k == 0 || b[k - 1].epoch != row.epoch) continue;
    CHECK_EQUAL(row.updates, b[k - 1].updates);
    CHECK(same_numbers(of_a, of_b));
    CHECK_NEAR(of_a.loss_sum, of_b.loss_sum, 1e-9 * (1 + of_b.loss_sum));
    CHECK_NEAR(of_a.step_sum, of_b.step_sum, 1e-9 * (1 + of_b.step_sum));
  }
}

/// Everything but times is what it would have been without the interruption.
void check_same_end(const Part& part, const Part& whole) {
  CHECK(same_bits(part.theta, whole.theta));
  const Checkpoint &end = part.checkpoints.back(), &expected = whole.checkpoints.back();
  CHECK(same_bits(end.velocity, expected.velocity));
  CHECK_EQUAL(end.version, expected.version);
  CHECK_EQUAL(end.gradients, expected.gradients);
  CHECK(same(part.report.counts, whole.report.counts));
  for (std::size_t id = 0; id < whole.report.staleness.size(); ++id) {
    CHECK(same(part.report.staleness[id], whole.report.staleness[id]));
    CHECK(same(part.report.rejections[id], whole.report.rejections[id]));
    CHECK(same(end.workers[id].counts, expected.workers[id].counts));
  }
  if (part.report.staleness.size() == 1) check_same(part.report.history, whole.report.history);
}

/// What a checkpoint says of itself.
void check_consistent(const Checkpoint& checkpoint, std::size_t workers) {
  Counts counts;
  std::uint64_t scaled = 0, rejected = 0;
  for (const WorkerTotals& worker : checkpoint.workers) {
    counts += worker.counts;
    scaled += worker.staleness.total();
    rejected += worker.rejections.total();
  }
  CHECK_EQUAL(checkpoint.num_workers, workers);
  CHECK_EQUAL(counts.published, checkpoint.version);
  CHECK_EQUAL(counts.gradients, checkpoint.gradients);
  CHECK_EQUAL(counts.published + counts.merged + counts.gathered + counts.dropped + counts.rejected + counts.skipped,
              counts.gradients);
  CHECK_EQUAL(scaled, counts.scaled());
  CHECK_EQUAL(rejected, counts.rejected);
  CHECK(!checkpoint.adaptation.log.tables.empty());
  for (const EpochRecord& row : checkpoint.history) CHECK(row.seconds <= checkpoint.seconds);
  CHECK(checkpoint.last_row_gradients <= checkpoint.gradients);
}

std::vector<TraceRecord> before(const std::vector<TraceRecord>& records, std::uint64_t batch) {
  std::vector<TraceRecord> part;
  std::copy_if(records.begin(), records.end(), std::back_inserter(part),
               [&](const TraceRecord& record) { return record.batch < batch; });
  return part;
}

/// The records of both parts are those of one run: every version published once, every batch used once, none left out.
void check_whole(const std::vector<TraceRecord>& first, const std::vector<TraceRecord>& second, std::size_t workers) {
  std::vector<TraceRecord> all = first;
  all.insert(all.end(), second.begin(), second.end());
  check_trace(all, workers);
  std::vector<std::uint64_t> batches;
  for (const TraceRecord& record : all) batches.push_back(record.batch);
  std::sort(batches.begin(), batches.end());
  for (std::uint64_t k = 0; k < batches.size(); ++k) CHECK_EQUAL(batches[k], k);
}

}  // namespace

TEST(one_worker_goes_on_as_if_it_had_not_been_interrupted) {
  const Quadratic quadratic(37, 50);
  for (const engine::Engine& engine : kEngines) {
    const TrainOptions options = endless(engine, 1);
    const std::vector<float> start(37, 1.0f);
    const Part interrupted = run(quadratic, start, options, 4);
    CHECK(interrupted.report.status == Status::stopped);
    const std::uint64_t end = interrupted.checkpoints.back().version + 100;
    const Part whole = run(quadratic, start, until(options, end));
    for (const Checkpoint& checkpoint : interrupted.checkpoints) {
      check_consistent(checkpoint, 1);
      check_same_end(run(quadratic, std::vector<float>(37), until(resumed(options, checkpoint), end)), whole);
    }
  }
}

TEST(a_fused_hogwild_goes_on_likewise) {
  const NetworkProblem mlp("small mlp", {9}, examples::mlp(17, 4), 40);
  TrainOptions options = endless(engine::FusedHogwild{}, 1);
  options.momentum = 0.0;
  const Part interrupted = run(mlp.objective(), mlp.start(), options, 4);
  const std::uint64_t end = interrupted.checkpoints.back().version + 100;
  const Part whole = run(mlp.objective(), mlp.start(), until(options, end));
  for (const Checkpoint& checkpoint : interrupted.checkpoints)
    check_same_end(run(mlp.objective(), mlp.start(), until(resumed(options, checkpoint), end)), whole);
}

TEST(rounds_go_on_as_if_they_had_not_been_interrupted_with_any_number_of_workers) {
  const Quadratic quadratic(37, 50);
  for (const std::size_t workers : {2, 3, 8}) {
    const TrainOptions options = endless(engine::Synchronous{}, workers);
    const std::vector<float> start(37, 1.0f);
    const Part interrupted = run(quadratic, start, options, 4);
    const std::uint64_t end = interrupted.checkpoints.back().version + 40;
    const Part whole = run(quadratic, start, until(options, end));
    for (const Checkpoint& checkpoint : interrupted.checkpoints) {
      check_consistent(checkpoint, workers);
      CHECK_EQUAL(checkpoint.gradients, checkpoint.version * workers);
      check_same_end(run(quadratic, start, until(resumed(options, checkpoint), end)), whole);
    }
  }
}

TEST(no_update_is_lost_or_applied_twice_around_a_checkpoint) {
  const Quadratic quadratic(300, 50);
  const Unhurried unhurried(quadratic);
  const Interruptions interruptions;
  for (const engine::Engine& engine : kEngines)
    for (const std::size_t workers : {2, 5, 16}) {
      if (engines::alone(engine)) continue;
      const TrainOptions options = endless(engine, workers);
      const Part first = run(unhurried, std::vector<float>(300, 1.0f), options, 5);
      check_trace(first.records, workers);
      for (const Checkpoint& checkpoint : first.checkpoints) {
        check_consistent(checkpoint, workers);
        const std::vector<TraceRecord> early = before(first.records, checkpoint.gradients);
        CHECK_EQUAL(early.size(), checkpoint.gradients);
        check_whole(early, {}, workers);
        if (!replays_exactly(engine)) continue;
        std::vector<float> theta = first.start, velocity(300);
        replay(quadratic, theta, options, early, {.first = 0, .velocity = velocity});
        CHECK(same_bits(theta, checkpoint.theta));
        CHECK(same_bits(velocity, checkpoint.velocity));
      }
      const Checkpoint& begin = first.checkpoints[2];
      const Part second = run(unhurried, std::vector<float>(300), until(resumed(options, begin), begin.version + 200));
      CHECK_EQUAL(second.report.counts.published, begin.version + 200);
      check_trace(second.records, workers, begin.version);
      check_whole(before(first.records, begin.gradients), second.records, workers);
      if (!replays_exactly(engine)) continue;
      std::vector<float> theta = begin.theta, velocity = begin.velocity;
      replay(quadratic, theta, options, second.records, {.first = begin.version, .velocity = velocity});
      CHECK(same_bits(theta, second.theta));
      CHECK(same_bits(velocity, second.checkpoints.back().velocity));
    }
}

TEST(a_tampered_checkpoint_shows_in_the_traces) {
  const Quadratic quadratic(30, 50);
  const TrainOptions options = endless(engine::Locked{}, 3);
  const Part first = run(Unhurried(quadratic), std::vector<float>(30, 1.0f), options, 2);
  const auto second_records = [&](auto&& tamper) {
    Checkpoint wrong = first.checkpoints.front();
    tamper(wrong);
    const Part second = run(quadratic, std::vector<float>(30), until(resumed(options, wrong), wrong.version + 50));
    std::vector<TraceRecord> all = before(first.records, first.checkpoints.front().gradients);
    all.insert(all.end(), second.records.begin(), second.records.end());
    return all;
  };
  const auto refused = [&](auto&& tamper) {
    CHECK_THROWS(std::invalid_argument, check_trace(second_records(tamper), 3), "the trace is no possible history");
  };
  check_trace(second_records([](Checkpoint&) {}), 3);
  refused([](Checkpoint& c) { --c.version; });                                // an update is published twice
  refused([](Checkpoint& c) { --c.version, --c.gradients; });                 // and its batch used twice
  refused([](Checkpoint& c) { ++c.version, ++c.gradients; });                 // one is lost
  const auto records = second_records([](Checkpoint& c) { ++c.gradients; });  // a batch is left out
  CHECK(std::none_of(records.begin(), records.end(),
                     [&](const TraceRecord& record) { return record.batch == first.checkpoints.front().gradients; }));
}

TEST(whole_numbers_are_conserved_over_many_parts) {
  const Ones ones(64, 40);
  for (const engine::Engine& engine :
       {engine::Engine{engine::Locked{}}, engine::Engine{engine::Leashed{}}, engine::Engine{engine::Synchronous{}}}) {
    TrainOptions options{.engine = engine,
                         .workers = 4,
                         .batch_size = 3,
                         .epochs = 1'000'000,
                         .rate = Rate::constant(1.0),
                         .checkpoint = CheckpointInterval{.every = 1, .unit = CheckpointInterval::Unit::updates}};
    Part part = run(ones, std::vector<float>(64), options, 3);
    for (int i = 0; i < 5; ++i) {
      const Checkpoint last = part.checkpoints.back();
      CHECK(last.theta == std::vector<float>(64, -static_cast<float>(last.version)));
      part = run(ones, std::vector<float>(64), resumed(options, last), 3);
    }
    CHECK(part.theta == std::vector<float>(64, -static_cast<float>(part.report.counts.published)));
  }
}

TEST(limits_count_from_the_beginning_of_the_run) {
  const Quadratic quadratic(5, 30);
  TrainOptions options = endless(engine::Locked{}, 2);
  options.momentum = 0.0;
  options.epochs = 3;
  const Part first = run(quadratic, std::vector<float>(5), options);
  CHECK(first.report.status == Status::completed);
  CHECK_EQUAL(first.report.counts.gradients, 30u);
  options.epochs = 5;
  const Part second = run(quadratic, std::vector<float>(5), resumed(options, first.checkpoints.back()));
  CHECK_EQUAL(second.report.counts.gradients, 50u);
  CHECK_EQUAL(second.records.size(), 20u);
  CHECK_EQUAL(second.report.history.back().epoch, 5.0);
  options.seconds = first.checkpoints.back().seconds / 2;
  options.epochs = 1'000'000;
  const Part third = run(quadratic, std::vector<float>(5), resumed(options, second.checkpoints.back()));
  CHECK(third.records.empty());
  CHECK_EQUAL(third.report.seconds, second.checkpoints.back().seconds);
}

TEST(a_complete_run_has_nothing_to_go_on_with) {
  const Quadratic quadratic(5, 30);
  TrainOptions options = until(endless(engine::Leashed{}, 3), 50);
  const Part first = run(quadratic, std::vector<float>(5), options);
  const Part second = run(quadratic, std::vector<float>(5), resumed(options, first.checkpoints.back()));
  CHECK(second.records.empty());
  CHECK(same_bits(second.theta, first.theta));
  CHECK(same(second.report.counts, first.report.counts));
  CHECK_EQUAL(second.report.version, 50u);
}

TEST(other_workers_take_over_where_the_others_were) {
  const Quadratic quadratic(20, 50);
  for (const engine::Engine& engine : kEngines) {
    if (engines::alone(engine)) continue;
    Part part = run(quadratic, std::vector<float>(20, 1.0f), endless(engine, 3), 2);
    for (const std::size_t workers : {5, 2, 4}) {
      const Checkpoint last = part.checkpoints.back();
      const TrainOptions options = until(resumed(endless(engine, workers), last), last.version + 60);
      part = run(quadratic, std::vector<float>(20), options);
      CHECK_EQUAL(part.report.counts.published, last.version + 60);
      check_trace(part.records, workers, last.version);
      check_consistent(part.checkpoints.back(), workers);
      const std::size_t ever = std::max(workers, last.workers.size());
      CHECK_EQUAL(part.checkpoints.back().workers.size(), ever);
    }
  }
}

TEST(the_sample_of_a_policy_goes_on_or_begins_anew_with_other_workers) {
  const Quadratic quadratic(20, 50);
  TrainOptions options = endless(engine::Locked{}, 3);
  options.policy = policy::tail_tau(1.0, Cdf::mid, SampleWindow{100, 200});
  options.checkpoint = CheckpointInterval{.every = 1e18, .unit = CheckpointInterval::Unit::updates};
  options.updates = 400;
  const Part within = run(quadratic, std::vector<float>(20, 1.0f), options);
  const Checkpoint& checkpoint = within.checkpoints.back();
  CHECK_EQUAL(checkpoint.adaptation.progress, 0u);
  const auto sampled = [](const Checkpoint& c) {
    return std::accumulate(c.workers.begin(), c.workers.end(), std::uint64_t{0},
                           [](auto sum, const WorkerTotals& worker) { return sum + worker.sample_progress; });
  };
  CHECK_EQUAL(sampled(checkpoint), 100u);

  options.updates = 700;
  const Part same_team = run(quadratic, std::vector<float>(20), resumed(options, checkpoint));
  CHECK_EQUAL(sampled(same_team.checkpoints.back()), 300u);
  CHECK_EQUAL(same_team.checkpoints.back().adaptation.from, 0u);

  options.workers = 2;
  options.updates = 800;
  const Part other_team = run(quadratic, std::vector<float>(20), resumed(options, checkpoint));
  CHECK_EQUAL(other_team.checkpoints.back().adaptation.from, 400u);
  CHECK_EQUAL(sampled(other_team.checkpoints.back()), 200u);
}

// The average movement of Gap-Aware is part of the state, as the velocity is.
TEST(a_correction_goes_on_with_its_state) {
  const Quadratic quadratic(20, 50);
  for (const engine::Engine& engine : kEngines) {
    const auto* hogwild = std::get_if<engine::Hogwild>(&engine);
    if ((hogwild && hogwild->read == engine::Read::in_place) || std::holds_alternative<engine::Softsync>(engine))
      continue;
    for (const std::size_t workers : {1, 3}) {
      TrainOptions options = endless(engine, workers);
      options.policy = policy::inverse_plus_one();
      options.correction = correction::GapAware{0.9};
      const Part part = run(quadratic, std::vector<float>(20, 1.0f), options, 3);
      const Checkpoint& checkpoint = part.checkpoints.back();
      CHECK_EQUAL(checkpoint.movement.size(), 20u);
      CHECK(std::all_of(checkpoint.movement.begin(), checkpoint.movement.end(), [](float a) { return a > 0.0f; }));
      const TrainOptions rest = until(resumed(options, checkpoint), checkpoint.version + 40);
      const Part last = run(quadratic, std::vector<float>(20), rest);
      if (replays_exactly(engine)) {
        std::vector<float> theta = checkpoint.theta, velocity = checkpoint.velocity, movement = checkpoint.movement;
        const ReplayRange range{.first = checkpoint.version, .velocity = velocity, .movement = movement};
        replay(quadratic, theta, rest, last.records, range);
        CHECK(same_bits(theta, last.theta));
        CHECK(same_bits(velocity, last.checkpoints.back().velocity));
        CHECK(same_bits(movement, last.checkpoints.back().movement));
      }
      if (options.workers > 1) continue;
      const Part whole = run(quadratic, std::vector<float>(20, 1.0f), until(options, checkpoint.version + 40));
      check_same_end(last, whole);
      CHECK(same_bits(last.checkpoints.back().movement, whole.checkpoints.back().movement));
    }
  }
}

TEST(checkpoints_come_by_epochs_updates_and_seconds) {
  const Quadratic quadratic(5, 30);
  for (const auto unit :
       {CheckpointInterval::Unit::epochs, CheckpointInterval::Unit::updates, CheckpointInterval::Unit::seconds}) {
    TrainOptions options = endless(engine::Leashed{}, 2);
    const double every = unit == CheckpointInterval::Unit::seconds ? 0.01 : 7.5;
    options.checkpoint = CheckpointInterval{.every = every, .unit = unit};
    const Part part = run(quadratic, std::vector<float>(5, 1.0f), options, 4);
    CHECK(part.checkpoints.size() >= 4);
    double due = every;
    for (std::size_t i = 0; i < 4; ++i) {
      const Checkpoint& checkpoint = part.checkpoints[i];
      const double at = unit == CheckpointInterval::Unit::epochs    ? static_cast<double>(checkpoint.gradients) / 10.0
                        : unit == CheckpointInterval::Unit::updates ? static_cast<double>(checkpoint.version)
                                                                    : checkpoint.seconds;
      CHECK(at >= due);
      due = (std::floor(at / every) + 1) * every;
    }
  }
}

TEST(what_diverged_leaves_no_checkpoint) {
  const Quadratic quadratic(5, 40);
  TrainOptions options = endless(engine::Leashed{}, 2);
  options.rate = Rate::constant(50.0);
  options.checkpoint = CheckpointInterval{.every = 1e18, .unit = CheckpointInterval::Unit::updates};
  const Part part = run(quadratic, std::vector<float>(5, 1.0f), options);
  CHECK(part.report.status == Status::diverged);
  CHECK(part.checkpoints.empty());
}

TEST(an_exception_of_who_takes_the_checkpoint_ends_the_run) {
  struct Refusing : Observer {
    void on_checkpoint(const Checkpoint&, LiveRun&) override { throw std::runtime_error("no room"); }
  };
  const Quadratic quadratic(5, 40);
  for (const engine::Engine& engine : kEngines) {
    Refusing refusing;
    std::vector<float> theta(5, 1.0f);
    CHECK_THROWS(std::runtime_error, train(quadratic, theta, endless(engine, 3), refusing), "no room");
  }
}

TEST(a_checkpoint_of_another_run_is_refused) {
  const Quadratic quadratic(5, 40);
  const TrainOptions options = endless(engine::Locked{}, 2);
  const Checkpoint good = run(quadratic, std::vector<float>(5), options, 1).checkpoints.back();
  const auto refused = [&](auto&& tamper, const char* reason) {
    Checkpoint wrong = good;
    tamper(wrong);
    std::vector<float> theta(5);
    CHECK_THROWS(std::invalid_argument, train(quadratic, theta, resumed(options, wrong)), reason);
  };
  refused([](Checkpoint& c) { c.theta.pop_back(); }, "must have 5 parameters and a velocity of 5; got 4 and 5");
  refused([](Checkpoint& c) { c.velocity.clear(); }, "must have 5 parameters and a velocity of 5; got 5 and 0");
  refused([](Checkpoint& c) { c.theta[2] = std::nanf(""); }, "must all be finite");
  refused([](Checkpoint& c) { c.velocity[2] = INFINITY; }, "the velocity of a checkpoint must be finite");
  refused([](Checkpoint& c) { c.version = c.gradients + 1; }, "must have a version of at most its gradients");
  refused([](Checkpoint& c) { c.version = c.gradients = std::uint64_t{1} << 50; }, "and 2^48");
  refused([](Checkpoint& c) { c.seconds = -1.0; }, "the seconds of a checkpoint must be");
  refused([](Checkpoint& c) { c.workers.pop_back(); }, "must know its workers; got 1 of 2");
  refused([](Checkpoint& c) { c.movement.assign(5, 1.0f); }, "if the correction keeps one; got 5 for 5");
  refused([](Checkpoint& c) { c.adaptation.log.tables.clear(); }, "must have the scale table in force");
  refused([](Checkpoint& c) { c.adaptation.log.tables.back().entries = {-1.0}; }, "scales must be finite");
  refused([](Checkpoint& c) { c.adaptation.counted = Distribution({1}); }, "updates that its workers have counted");
  refused([](Checkpoint& c) { c.adaptation.progress = 1; }, "updates that its workers have counted");
  refused([](Checkpoint& c) { c.adaptation.log.tables.back().seen = Distribution({std::uint64_t{1} << 54}); },
          "each at most 2^53");
  refused([](Checkpoint& c) { c.workers[0].sampled = Distribution(std::vector<std::uint64_t>(5000, 1)); },
          "must have at most 4096 counts");
  TrainOptions never = options;
  never.checkpoint = CheckpointInterval{.every = 0, .unit = CheckpointInterval::Unit::updates};
  std::vector<float> theta(5);
  CHECK_THROWS(std::invalid_argument, train(quadratic, theta, never), "the interval of checkpoints must be");
}
