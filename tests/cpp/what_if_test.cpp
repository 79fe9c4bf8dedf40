// Recorded schedules under other policies.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "asap/sim/simulator.h"
#include "asap/sim/what_if.h"
#include "asap/trace/check.h"
#include "check.h"
#include "quadratic.h"

namespace {

using namespace asap;

struct Result {
  std::vector<float> theta;
  std::vector<TraceRecord> records;
  Report report;
};

Result simulated(const Objective& objective, SimulationOptions options) {
  TraceMemory memory;
  options.train.trace = &memory;
  Result result{std::vector<float>(objective.num_parameters(), 1.0f), {}, {}};
  result.report = simulate(objective, result.theta, options).report;
  result.records = std::move(memory.records);
  return result;
}

Result with_policy(const Objective& objective, TrainOptions options, const Policy& policy,
                   std::span<const TraceRecord> records) {
  TraceMemory memory;
  options.trace = &memory;
  options.policy = policy;
  Result result{std::vector<float>(objective.num_parameters(), 1.0f), {}, {}};
  Observer silent;
  result.report = what_if(objective, result.theta, options, records, silent);
  result.records = std::move(memory.records);
  return result;
}

/// Gradients that were dropped are elsewhere among the others.
std::vector<TraceRecord> by_batch(std::vector<TraceRecord> records) {
  std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.batch < b.batch; });
  return records;
}

bool same_records(const std::vector<TraceRecord>& a, const std::vector<TraceRecord>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](const auto& x, const auto& y) {
           return std::memcmp(&x, &y, sizeof(TraceRecord)) == 0;
         });
}

SimulationOptions options_of(const engine::Engine& engine, std::size_t workers, double momentum) {
  SimulationOptions options;
  options.train.engine = engine;
  options.train.workers = workers;
  options.train.batch_size = 3;
  options.train.epochs = 12;
  options.train.rate = Rate::cosine(0.05, 0.01, 100);
  options.train.momentum = momentum;
  options.train.weight_decay = 0.001;
  options.train.seed = 7;
  return options;
}

const std::vector<Law> kLaws{law::constant(1.0), law::exponential(1.0), law::spread(law::log_normal(1.0, 0.5), 0.5)};
const std::vector<Policy> kPolicies{
    policy::constant(), policy::inverse_plus_one(), policy::tail_tau(1.0, Cdf::mid, SampleWindow{2, 5}),
    policy::tail_tau(0.5, Cdf::mid, OnlineSample{.every = 3, .half_life = 5}), policy::ringmaster(4)};

TEST(under_its_own_policy_a_simulated_run_has_its_own_bits_and_records) {
  const Quadratic quadratic(37, 40);
  for (const engine::Engine& engine :
       {engine::Engine{engine::Synchronous{}}, engine::Engine{engine::Softsync{}}, engine::Engine{engine::Softsync{1}},
        engine::Engine{engine::Locked{}}, engine::Engine{engine::Leashed{}},
        engine::Engine{engine::Leashed{.persistence = 0}}, engine::Engine{engine::Leashed{.persistence = 1}}})
    for (const Law& law : kLaws)
      for (const Policy& policy : kPolicies)
        for (const std::size_t workers : {1, 4, 15}) {
          SimulationOptions options = options_of(engine, workers, workers == 4 ? 0.9 : 0.0);
          options.compute = law;
          options.publish = law::exponential(0.1);
          options.train.policy = policy;
          if (workers == 4 && !std::holds_alternative<engine::Softsync>(engine))
            options.train.correction = correction::GapAware{};
          const Result run = simulated(quadratic, options);
          const Result again = with_policy(quadratic, options.train, policy, run.records);
          CHECK(again.theta == run.theta);
          CHECK(same_records(by_batch(again.records), by_batch(run.records)));
          CHECK_EQUAL(again.report.counts.dropped, run.report.counts.dropped);
          CHECK_EQUAL(again.report.tables.tables.size(), run.report.tables.tables.size());
        }
}

// At a lock the time of a publication does not depend on C, so that simulations under two policies have one schedule.
TEST(under_another_policy_it_is_the_simulation_with_that_policy) {
  const Quadratic quadratic(37, 40);
  for (const engine::Engine& engine :
       {engine::Engine{engine::Synchronous{}}, engine::Engine{engine::Softsync{2}}, engine::Engine{engine::Locked{}}})
    for (const Law& law : kLaws)
      for (const Policy& recorded : kPolicies)
        for (const Policy& other : kPolicies) {
          SimulationOptions options = options_of(engine, 6, 0.5);
          options.compute = law;
          options.publish = law::constant(0.05);
          options.train.policy = recorded;
          const Result run = simulated(quadratic, options);
          options.train.policy = other;
          const Result wanted = simulated(quadratic, options);
          const Result found = with_policy(quadratic, options.train, other, run.records);
          CHECK(found.theta == wanted.theta);
          CHECK(same_records(found.records, wanted.records));
        }
}

TEST(another_policy_gives_a_possible_history_on_the_same_reads) {
  const Quadratic quadratic(37, 40);
  SimulationOptions options = options_of(engine::Leashed{.persistence = 1}, 9, 0.0);
  options.compute = law::exponential(1.0);
  options.publish = law::exponential(0.3);
  const Result run = simulated(quadratic, options);
  CHECK(run.report.counts.dropped > 0);
  for (const Policy& policy : kPolicies) {
    const Result other = with_policy(quadratic, options.train, policy, run.records);
    check_trace(other.records, 9);
    CHECK_EQUAL(other.records.size(), run.records.size());
    CHECK_EQUAL(other.report.counts.gradients, run.report.counts.gradients);
    if (policy.name == "ringmaster") CHECK(other.report.counts.rejected > 0);
  }
}

TEST(a_run_on_threads_has_its_own_bits_under_its_own_policy) {
  const Quadratic quadratic(37, 40);
  for (const engine::Engine& engine :
       {engine::Engine{engine::Synchronous{}}, engine::Engine{engine::Softsync{2}}, engine::Engine{engine::Locked{}},
        engine::Engine{engine::Leashed{}}, engine::Engine{engine::Leashed{.persistence = 0}}})
    for (const Policy& policy : {policy::inverse_plus_one(), policy::ringmaster(2)}) {
      TraceMemory memory;
      TrainOptions options = options_of(engine, 4, 0.9).train;
      options.policy = policy;
      options.trace = &memory;
      std::vector<float> theta(37, 1.0f);
      train(quadratic, theta, options);
      CHECK(with_policy(quadratic, options, policy, memory.records).theta == theta);
    }
}

TEST(what_can_be_no_history_is_refused) {
  const Quadratic quadratic(37, 40);
  const SimulationOptions options = options_of(engine::Locked{}, 3, 0.0);
  std::vector<TraceRecord> records = simulated(quadratic, options).records;
  records[5].replaced += 1;
  CHECK_THROWS(std::invalid_argument, with_policy(quadratic, options.train, policy::constant(), records),
               "the trace is no possible history");
}

}  // namespace
