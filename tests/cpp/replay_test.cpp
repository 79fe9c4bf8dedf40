// Traced runs and their replay on one thread. Whatever the engine with consistent views, the number of workers, the
// model, persistence, momentum, weight decay and policy: the same bits, or an update was lost, torn or applied twice.
// The plans are fixed; ASAP_REPLAY_RUNS, ASAP_REPLAY_FIRST and ASAP_REPLAY_UPDATES choose more, others or longer ones
// of them (make replay-soak).
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>

#include "asap/staleness/histogram.h"
#include "asap/trace/check.h"
#include "check.h"
#include "dice.h"
#include "engines.h"
#include "overtaken.h"
#include "replay_plan.h"

namespace {

using namespace replay_test;

const std::vector<engine::Engine> kConsistent{engine::Sequential{},
                                              engine::Synchronous{},
                                              engine::Locked{},
                                              engine::Leashed{},
                                              engine::Leashed{.read = engine::Read::in_place},
                                              engine::Leashed{.persistence = 0},
                                              engine::Leashed{.persistence = 2},
                                              engine::Softsync{},
                                              engine::Softsync{.n = 1}};

/// What is recorded of a run equals what it counted by itself.
void check_records(const TracedRun& run) {
  check_trace(run.records, run.options.workers);
  const Counts& counts = run.report.counts;
  CHECK_EQUAL(run.records.size(), counts.gradients);
  CHECK_EQUAL(run.report.trace->records, counts.gradients);
  std::uint64_t outcomes[7] = {}, attempts = 0;
  std::vector<std::vector<std::uint64_t>> taus(run.options.workers, std::vector<std::uint64_t>(kTauBins));
  double steps = 0;
  for (const TraceRecord& record : run.records) {
    ++outcomes[static_cast<std::size_t>(record.outcome)];
    attempts += record.attempts;
    if (record.outcome != Outcome::published && record.outcome != Outcome::gathered) continue;
    ++taus[record.worker][std::min<std::size_t>(record.tau(), kTauBins - 1)];
    steps += run.options.rate(record.replaced) * record.scale;
  }
  CHECK_EQUAL(outcomes[0], counts.published);
  CHECK_EQUAL(outcomes[1], counts.merged);
  CHECK_EQUAL(outcomes[6], counts.gathered);
  CHECK_EQUAL(outcomes[3], counts.dropped);
  CHECK_EQUAL(outcomes[4], counts.rejected);
  CHECK_EQUAL(attempts, counts.attempts);
  CHECK_NEAR(counts.step_sum, steps, 1e-9 * (1 + steps));
  for (std::size_t worker = 0; worker < run.options.workers; ++worker) {
    const auto& expected = run.report.staleness[worker].counts();
    CHECK(std::equal(expected.begin(), expected.end(), taus[worker].begin()));
  }
}

/// A small run in which much can go wrong: 4 workers, momentum, weight decay, a rate that falls, C that differs.
TrainOptions busy(const engine::Engine& engine) {
  return {.engine = engine,
          .workers = engines::workers_of(engine, 4),
          .batch_size = 3,
          .updates = 300,
          .rate = Rate::cosine(0.2, 0.01, 300),
          .policy = policy::inverse_plus_one(),
          .momentum = 0.5,
          .weight_decay = 0.01};
}

engine::Engine random_engine(Dice& dice, std::size_t workers) {
  const engine::Read read = dice.once_in(2) ? engine::Read::copy : engine::Read::in_place;
  switch (dice.below(10)) {
    case 0:
      return engine::Synchronous{};
    case 1:
    case 2:
      return engine::Locked{};
    case 3:
    case 4:
      return engine::Leashed{.persistence = dice.below(4), .read = read};
    case 5:
    case 6:
      return engine::Softsync{.n = dice.within(1, workers)};
    default:
      return engine::Leashed{.read = read};
  }
}

bool serves(const engine::Engine& engine, const correction::Correction& correction) {
  return !std::holds_alternative<engine::Softsync>(engine) || !correction::needs_view(correction);
}

correction::Correction random_correction(Dice& dice) {
  switch (dice.below(6)) {
    case 0:
      return correction::DelayCompensated{0.1};
    case 1:
      return correction::GapAware{0.95};
    case 2:
      return correction::NormClipped{0.5};
    default:
      return correction::None{};
  }
}

std::unique_ptr<Problem> random_problem(Dice& dice) {
  const std::size_t samples = dice.within(8, 60);
  switch (dice.below(8)) {
    case 0:
      return std::make_unique<NetworkProblem>("small mlp", Shape{9}, examples::mlp(17, 4), samples);
    case 1:
      return std::make_unique<NetworkProblem>("small lenet", Shape{2, 12, 11}, examples::small_lenet(), samples);
    case 2:
      return std::make_unique<NetworkProblem>("cnn", Shape{1, 16, 16}, examples::cnn(), samples);
    case 3:
      return std::make_unique<NetworkProblem>("mlp", Shape{1, 28, 28}, examples::mlp(), samples);
    case 4:
    case 5:
      return std::make_unique<SpringProblem>(dice.within(10000, 100000), samples);
    default:
      return std::make_unique<QuadraticProblem>(dice.within(1, 3000), samples);
  }
}

/// Runs of at most updates · (1/7 + 1/workers).
TrainOptions random_options(Dice& dice, std::uint64_t updates) {
  TrainOptions options{.workers = dice.within(2, 32)};
  options.engine = random_engine(dice, options.workers);
  options.batch_size = dice.within(1, 8);
  options.updates = dice.within(1, updates / 7 + updates / options.workers);
  options.rate = dice.once_in(2) ? Rate::constant(0.05) : Rate::step(0.1, 0.5, dice.within(5, 100));
  options.policy = random_policy(dice, 3, 6);
  if (const auto correction = random_correction(dice); serves(options.engine, correction))
    options.correction = correction;
  if (dice.once_in(2)) options.momentum = 0.5;
  if (dice.once_in(2)) options.weight_decay = 0.01;
  options.seed = dice.below(5);
  return options;
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST(a_replay_has_the_bits_of_the_run_for_every_consistent_engine) {
  const QuadraticProblem quadratic(37, 50);
  const NetworkProblem lenet("small lenet", {2, 12, 11}, examples::small_lenet(), 40);
  for (const Problem* problem : {static_cast<const Problem*>(&quadratic), static_cast<const Problem*>(&lenet)})
    for (const engine::Engine& engine : kConsistent)
      for (const std::size_t workers : {1, 2, 3, 8, 32})
        for (const double momentum : {0.0, 0.9}) {
          if (engines::alone(engine) && workers > 1) continue;
          TrainOptions options = busy(engine);
          options.workers = workers;
          options.updates = 60;
          options.momentum = momentum;
          const TracedRun run = traced(problem->objective(), problem->start(), options);
          CHECK(run.report.status == Status::completed);
          CHECK_EQUAL(run.report.version, 60u);
          check_records(run);
          CHECK(same_bits(replayed(problem->objective(), run, run.records), run.theta));
        }
}

TEST(an_overtaken_worker_is_stale_and_loses_a_race_and_so_does_its_replay) {
  const QuadraticProblem quadratic(37, 50);
  for (const engine::Engine& engine : kConsistent) {
    if (!goes_stale(engine)) continue;
    const TracedRun run = traced_overtaken(quadratic.objective(), quadratic.start(), busy(engine));
    check_records(run);
    CHECK(same_bits(replayed(quadratic.objective(), run, run.records), run.theta));
    const Counts& counts = run.report.counts;
    if (std::holds_alternative<engine::Leashed>(engine)) CHECK(counts.attempts > counts.published);
    CHECK(counts.tau_sum > 0);
    CHECK_EQUAL(counts.published, 300u);
  }
}

TEST(corrected_runs_have_the_bits_of_their_replays) {
  const QuadraticProblem quadratic(5000, 50);  // more than one piece
  for (const engine::Engine& engine : kConsistent)
    for (const correction::Correction& correction : std::vector<correction::Correction>{
             correction::DelayCompensated{0.3}, correction::GapAware{0.9}, correction::NormClipped{3.0}})
      for (const double momentum : {0.0, 0.5}) {
        if (!serves(engine, correction)) continue;
        TrainOptions options = busy(engine);
        options.updates = 60;
        options.correction = correction;
        options.momentum = momentum;
        const auto trains = goes_stale(engine) ? traced_overtaken : traced;
        const TracedRun run = trains(quadratic.objective(), quadratic.start(), options);
        check_records(run);
        CHECK(same_bits(replayed(quadratic.objective(), run, run.records), run.theta));
        TracedRun plain = run;
        plain.options.correction = correction::None{};
        const bool corrected =
            std::holds_alternative<correction::NormClipped>(correction) || run.report.counts.tau_sum > 0;
        CHECK_EQUAL(corrected, std::holds_alternative<correction::NormClipped>(correction) || goes_stale(engine));
        CHECK_EQUAL(same_bits(replayed(quadratic.objective(), plain, run.records), run.theta), !corrected);
      }
}

TEST(random_runs_have_the_bits_of_their_replays) {
  const std::uint64_t first = number_from("ASAP_REPLAY_FIRST", 0), runs = number_from("ASAP_REPLAY_RUNS", 200);
  const std::uint64_t updates = number_from("ASAP_REPLAY_UPDATES", 400);
  const Interruptions interruptions;
  Counts all;
  std::uint64_t differing = 0;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    const int failures_before = check::failures();
    Dice dice(seed, 2);
    const auto problem = random_problem(dice);
    const TrainOptions options = random_options(dice, updates);
    const TracedRun run = traced(problem->objective(), problem->start(), options);
    check_records(run);
    const bool same = same_bits(replayed(problem->objective(), run, run.records), run.theta);
    CHECK(same);
    all += run.report.counts;
    differing += !same;
    if (check::failures() > failures_before)
      std::cout << "  in seed " << seed << ": " << problem->name() << ", engine " << options.engine.index() << ", "
                << options.workers << " workers, " << options.policy.name << "\n";
  }
  std::cout << "  seeds " << first << " to " << first + runs - 1 << ": " << all.published
            << " updates replayed, mean tau " << all.mean_tau() << ", " << all.attempts << " attempts; " << all.merged
            << " gradients merged, " << all.gathered << " gathered, " << all.dropped << " dropped, " << all.rejected
            << " rejected; " << differing << " of " << runs << " runs with differing bits\n";
}

TEST(a_diverged_run_replays_up_to_its_last_finite_parameters) {
  const Quadratic quadratic(5, 40);
  TrainOptions options = busy(engine::Leashed{});
  options.updates = std::nullopt;
  options.epochs = 1000;
  options.rate = Rate::constant(50.0);
  const TracedRun run = traced(quadratic, std::vector<float>(5, 1.0f), options);
  CHECK(run.report.status == Status::diverged);
  CHECK(run.report.version < run.report.counts.published);
  CHECK(same_bits(replayed(quadratic, run, run.records), run.theta));
}

// Momentum and weight decay pass a wrong order on, a wrong C or a lost update as well: one changed bit of history
// shows.
TEST(a_replay_of_a_tampered_trace_differs_or_is_refused) {
  const NetworkProblem mlp("small mlp", {9}, examples::mlp(17, 4), 40);
  for (const engine::Engine& engine : {engine::Engine{engine::Locked{}}, engine::Engine{engine::Leashed{}}}) {
    const TracedRun run = traced_overtaken(mlp.objective(), mlp.start(), busy(engine));
    const auto at = [](std::vector<TraceRecord>& records, Version version) -> TraceRecord& {
      return *std::find_if(records.begin(), records.end(), [&](const TraceRecord& record) {
        return record.outcome == Outcome::published && record.replaced == version;
      });
    };
    const auto after = [&](auto&& tamper) {
      std::vector<TraceRecord> records = run.records;
      tamper(records);
      return replayed(mlp.objective(), run, records);
    };
    const auto exchange_batches = [&](std::vector<TraceRecord>& records) {
      std::swap(at(records, 100).batch, at(records, 101).batch);
    };
    const auto wrong_scale = [&](std::vector<TraceRecord>& records) { at(records, 100).scale *= 1.0 + 0x1p-20; };
    const auto newer_view = [&](std::vector<TraceRecord>& records) {
      Version version = 299;
      while (at(records, version).tau() == 0) --version;
      ++at(records, version).read;
    };
    CHECK(same_bits(after([](auto&) {}), run.theta));
    CHECK(!same_bits(after(exchange_batches), run.theta));
    CHECK(!same_bits(after(wrong_scale), run.theta));
    CHECK(run.report.counts.tau_sum > 0);
    CHECK(!same_bits(after(newer_view), run.theta));
    CHECK_THROWS(std::invalid_argument, after([](auto& records) { records.erase(records.begin() + 9); }),
                 "but nobody replaced");
  }
}

TEST(records_that_cannot_be_are_refused_with_the_reason) {
  const Quadratic quadratic(3, 40);
  const TracedRun run = traced(quadratic, std::vector<float>(3), busy(engine::Locked{}));
  const auto refused = [&](auto&& tamper, const char* reason) {
    std::vector<TraceRecord> records = run.records;
    tamper(records);
    CHECK_THROWS(std::invalid_argument, check_trace(records, 4), reason);
  };
  // The last record of the worker with the most: it has others before it.
  const auto last = [](auto& records) -> TraceRecord& {
    std::vector<std::size_t> counts(4);
    for (const TraceRecord& record : records) ++counts[record.worker];
    const auto busiest = static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
    return *std::find_if(records.rbegin(), records.rend(), [&](auto& record) { return record.worker == busiest; });
  };
  refused([&](auto& r) { last(r).worker = 4; }, "belongs to none of 4 workers");
  refused([&](auto& r) { last(r).outcome = Outcome::retry; }, "has the unknown outcome 2");
  refused([&](auto& r) { last(r).outcome = static_cast<Outcome>(200); }, "has the unknown outcome 200");
  refused([&](auto& r) { last(r).read = last(r).replaced + 1; }, "read version");
  refused([&](auto& r) { last(r).scale = -1.0; }, "was not rejected with C = -1");
  refused([&](auto& r) { last(r).scale = std::nan(""); }, "with C = nan");
  refused([&](auto& r) { last(r).outcome = Outcome::rejected; }, "was rejected with C = ");
  refused([&](auto& r) { last(r).attempts = 0; }, "was never tried");
  refused([&](auto& r) { last(r).read = 0; }, "after its worker had been at");
  refused([&](auto& r) { last(r).batch = r.front().batch; }, "has the batch of record");
  refused([&](auto& r) { last(r).replaced = 1000000; }, "but nobody replaced");
  refused([&](auto& r) { r.front().outcome = Outcome::merged; }, "but nobody replaced");
  refused([&](auto& r) { r.push_back(last(r)); }, "after its worker had been at");
  CHECK_THROWS(std::invalid_argument, check_trace(run.records, 4, 1), "in a run that began at 1");
}

TEST(a_replay_may_begin_where_another_ended) {
  const Quadratic quadratic(21, 40);
  const TracedRun run = traced(quadratic, std::vector<float>(21, 1.0f), busy(engine::Sequential{}));
  std::vector<float> theta = run.start, velocity(21);
  std::vector<TraceRecord> early = run.records, late = run.records;
  std::erase_if(early, [](const TraceRecord& record) { return record.replaced >= 100; });
  std::erase_if(late, [](const TraceRecord& record) { return record.replaced < 100; });
  CHECK_EQUAL(replay(quadratic, theta, run.options, early, {.first = 0, .velocity = velocity}).updates, 100u);
  CHECK(!same_bits(theta, run.theta));
  CHECK_EQUAL(replay(quadratic, theta, run.options, late, {.first = 100, .velocity = velocity}).updates, 200u);
  CHECK(same_bits(theta, run.theta));
}

TEST(a_replay_holds_at_most_one_gradient_per_worker_and_can_be_ended) {
  const Quadratic quadratic(3, 40);
  const TracedRun run = traced(quadratic, std::vector<float>(3), busy(engine::Leashed{}));
  std::vector<float> theta = run.start;
  const ReplayReport report = replay(quadratic, theta, run.options, run.records);
  CHECK_EQUAL(report.updates, 300u);
  CHECK(report.gradients_high_water <= 4);
  int asked = 0;
  const auto go_on = [&] { return ++asked < 7; };
  CHECK_EQUAL(replay(quadratic, theta = run.start, run.options, run.records, {.go_on = go_on}).updates, 7u);
}

TEST(arguments_of_a_replay_are_checked) {
  const Quadratic quadratic(3, 40);
  const TracedRun run = traced(quadratic, std::vector<float>(3), busy(engine::Sequential{}));
  std::vector<float> theta(3), longer(4);
  CHECK_THROWS(std::invalid_argument, replay(quadratic, longer, run.options, run.records), "must have 3 parameters");
  CHECK_THROWS(std::invalid_argument, replay(quadratic, theta, run.options, run.records, {.velocity = longer}),
               "velocity must have a number per parameter");
  CHECK_THROWS(std::invalid_argument, replay(quadratic, theta, run.options, run.records, {.movement = theta}),
               "movement must have a number per parameter where the correction keeps one");
  CHECK_THROWS(std::invalid_argument, replay(quadratic, theta, run.options, run.records, {.last = 301}),
               "last must be a version of the run, 0 to 300; got 301");
}

// With one worker nothing races; with several the replay is a run near by.
TEST(a_hogwild_run_is_replayed_approximately) {
  const Quadratic quadratic(64, 40);
  for (const engine::Engine& engine :
       {engine::Engine{engine::Hogwild{}}, engine::Engine{engine::Hogwild{.read = engine::Read::copy}}}) {
    CHECK(!replays_exactly(engine));
    TrainOptions options = busy(engine);
    options.rate = Rate::constant(0.01);
    for (const std::size_t workers : {1, 4}) {
      options.workers = workers;
      const TracedRun run = traced(quadratic, std::vector<float>(64, 1.0f), options);
      check_records(run);
      const std::vector<float> theta = replayed(quadratic, run, run.records);
      if (workers == 1) CHECK(same_bits(theta, run.theta));
      for (std::size_t j = 0; j < 64; ++j) CHECK_NEAR(theta[j], run.theta[j], 0.5);
    }
  }
  for (const engine::Engine& engine : kConsistent) CHECK(replays_exactly(engine));
}
