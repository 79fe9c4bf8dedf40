// Simulated runs: what theory says of τ, the bits of a naive simulator, of train() and of a replay.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "asap/data/batch_source.h"
#include "asap/store/store.h"
#include "asap/trace/check.h"
#include "asap/train/replay.h"
#include "simulations.h"

namespace {

using namespace simulations;

TEST(constant_times_give_tau_m_minus_1) {
  for (const engine::Engine& engine : {engine::Engine{engine::Locked{}}, engine::Engine{engine::Leashed{}}})
    for (const std::size_t workers : {1, 2, 7, 64}) {
      SimulationOptions options = options_of(engine, workers, 5 * workers);
      options.compute = law::constant(0.1);
      const std::vector<Tau> found = taus(simulated(Quadratic(3), options));
      CHECK_EQUAL(found.size(), 5 * workers);
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == std::min(i, workers - 1));
    }
}

/// Pearson's statistic of a worker's τ against the geometric law with this mean, in classes that expect at least 20,
/// and its degrees of freedom.
std::pair<double, double> chi_square(const std::vector<Tau>& found, double mean) {
  const double q = mean / (mean + 1), n = static_cast<double>(found.size());
  std::map<Tau, double> counts;
  for (const Tau tau : found) ++counts[tau];
  double statistic = 0, freedom = 0, expected = 0, observed = 0, expected_left = n, left = n;
  const auto end_class = [&] {
    statistic += (observed - expected) * (observed - expected) / expected;
    expected_left -= expected;
    left -= observed;
    expected = observed = 0;
  };
  for (Tau tau = 0; expected_left - expected >= 40; ++tau) {
    expected += n * (1 - q) * std::pow(q, static_cast<double>(tau));
    observed += counts[tau];
    if (expected < 20) continue;
    end_class();
    ++freedom;
  }
  expected = expected_left;
  observed = left;
  end_class();
  return {statistic, freedom};
}

/// Whether the statistic is what one run in a thousand exceeds (Wilson and Hilferty's approximation).
bool is_geometric(const std::vector<Tau>& found, double mean) {
  const auto [statistic, freedom] = chi_square(found, mean);
  const double spread = 2 / (9 * freedom);
  return statistic < freedom * std::pow(1 - spread + 3.09 * std::sqrt(spread), 3);
}

TEST(exponential_times_give_one_worker_s_tau_the_geometric_law_with_mean_m_minus_1) {
  constexpr std::size_t kWorkers = 8;
  SimulationOptions options = options_of(engine::Locked{}, kWorkers, 40'000);
  options.compute = law::exponential(1.0);
  const Simulated run = simulated(Quadratic(1), options);
  for (const std::size_t worker : {0, 5}) CHECK(is_geometric(taus_of_worker(run, worker), kWorkers - 1));
  // The test sees other laws, and another mean.
  CHECK(!is_geometric(taus_of_worker(run, 0), kWorkers));
  for (const Law& law : {law::log_normal(1.0, 0.8), law::scaled(law::exponential(1.0), {1.0, 1.2})}) {
    options.compute = law;
    CHECK(!is_geometric(taus_of_worker(simulated(Quadratic(1), options), 0), kWorkers - 1));
  }
}

/// The same run as somebody would write it down: a copy of the parameters for each worker, the next event searched for.
std::vector<float> naive(const Objective& objective, const SimulationOptions& options) {
  struct Worker {
    std::vector<float> view;
    Version read;
    std::uint64_t batch;
    double end;
    Rng random;
  };
  const TrainOptions& train = options.train;
  const BatchSource batches(objective.num_samples(), train.batch_size, train.seed, BatchSource::kUnlimited);
  std::vector<float> theta(objective.num_parameters(), 1.0f), gradient(theta.size());
  std::vector<std::uint64_t> indices(train.batch_size);
  const ScaleTable table = train.policy.table({}, {train.workers, 0.0, 0});
  std::vector<Worker> workers;
  std::uint64_t next = 0;  // batch; who gets none never ends
  const auto seconds = [&](std::size_t w, Rng& random) {
    return next < *train.updates ? options.compute.draw({train.seed, w}, random) : HUGE_VAL;
  };
  for (std::size_t w = 0; w < train.workers; ++w) {
    Rng random(train.seed, Stream::compute_times, static_cast<std::uint32_t>(w));
    const double end = seconds(w, random);
    workers.push_back({theta, 0, next++, end, random});
  }
  for (Version version = 0; version < *train.updates; ++version) {
    const auto first = std::min_element(workers.begin(), workers.end(),
                                        [](const Worker& a, const Worker& b) { return a.end < b.end; });
    const Batch batch{first->batch, batches.samples(first->batch, indices)};
    objective.gradient(first->view.data(), batch, nullptr, gradient.data());
    const Step step{train.rate(version), table(version - first->read)};
    advance(StateLayout(theta.size()), {step, gradient.data()}, theta.data(), theta.data());
    const auto worker = static_cast<std::size_t>(first - workers.begin());
    const double end = first->end + seconds(worker, first->random);
    *first = {theta, version + 1, next++, end, first->random};
  }
  return theta;
}

TEST(a_simulation_has_the_bits_of_a_naive_one_with_a_copy_per_worker) {
  const Quadratic quadratic(37, 40);
  for (const Law& law : {law::exponential(1.0), law::log_normal(1.0, 0.5), law::spread(law::exponential(0.1), 1.0),
                         law::slow_workers(law::log_normal(1.0, 0.3), 10.0, 2)})
    for (const std::size_t workers : {2, 9, 50}) {
      SimulationOptions options = options_of(engine::Locked{}, workers, 400);
      options.compute = law;
      options.train.policy = policy::inverse_plus_one();
      CHECK(simulated(quadratic, options).theta == naive(quadratic, options));
      options.train.policy = policy::constant();
      CHECK(simulated(quadratic, options).theta == naive(quadratic, options));
    }
}

TEST(one_worker_has_the_bits_of_train_and_so_have_synchronous_ones) {
  const Quadratic quadratic(37, 40);
  for (const engine::Engine& engine :
       {engine::Engine{engine::Sequential{}}, engine::Engine{engine::Synchronous{}}, engine::Engine{engine::Locked{}},
        engine::Engine{engine::Softsync{}}, engine::Engine{engine::Leashed{}},
        engine::Engine{engine::Hogwild{.read = engine::Read::in_place}},
        engine::Engine{engine::Hogwild{.read = engine::Read::copy}}})
    for (const std::size_t workers : {1, 3}) {
      if (workers > 1 && !std::holds_alternative<engine::Synchronous>(engine)) continue;
      for (const double momentum : {0.0, 0.9}) {
        SimulationOptions options = options_of(engine, workers, 100);
        options.train.momentum = momentum;
        options.train.weight_decay = 0.01;
        options.train.rate = Rate::cosine(0.05, 0.001, 100);
        options.publish = law::exponential(0.1);
        for (const bool by_epochs : {false, true}) {
          if (by_epochs) options.train.updates.reset(), options.train.epochs = 3;
          std::vector<float> theta(37, 1.0f);
          const Report report = train(quadratic, theta, options.train);
          const Simulated run = simulated(quadratic, options);
          CHECK(run.theta == theta);
          CHECK_EQUAL(run.report.report.counts.published, report.counts.published);
          CHECK_EQUAL(run.report.report.history.size(), report.history.size());
          CHECK_NEAR(run.report.report.counts.loss_sum, report.counts.loss_sum, 1e-9);
        }
      }
    }
}

TEST(the_same_seed_gives_the_same_bytes) {
  const Quadratic quadratic(2 * 2048 + 5, 40), validation(2 * 2048 + 5, 10);  // several blocks of a Hogwild
  std::vector<engine::Engine> engines = kConsistent;
  for (const engine::Read read : {engine::Read::copy, engine::Read::in_place}) engines.push_back(engine::Hogwild{read});
  for (const engine::Engine& engine : engines) {
    SimulationOptions options = options_of(engine, 6, 200);
    options.publish = law::exponential(0.2);
    options.train.policy = policy::tail_tau(1.0, Cdf::mid, SampleWindow{1, 4});
    options.train.validation = &validation;
    const Simulated one = simulated(quadratic, options), two = simulated(quadratic, options);
    CHECK(one.theta == two.theta);
    CHECK_EQUAL(one.records.size(), two.records.size());
    CHECK(std::equal(one.records.begin(), one.records.end(), two.records.begin(),
                     [](const auto& a, const auto& b) { return std::memcmp(&a, &b, sizeof(TraceRecord)) == 0; }));
    const auto& rows = one.report.report.history;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const EpochRecord& other = two.report.report.history.at(i);
      CHECK_EQUAL(rows[i].seconds, other.seconds);
      CHECK_EQUAL(rows[i].since_last.loss_sum, other.since_last.loss_sum);
      CHECK_EQUAL(rows[i].validation->loss(), other.validation->loss());
    }
    options.train.seed = 8;
    CHECK(simulated(quadratic, options).theta != one.theta);
  }
}

TEST(a_replay_of_a_simulation_has_its_bits) {
  const Quadratic quadratic(37, 40);
  const std::vector<Law> laws{law::constant(1.0), law::exponential(1.0), law::log_normal(1.0, 0.5),
                              law::spread(law::exponential(1.0), 0.5),
                              law::slow_now_and_then(law::constant(1.0), 20.0, 0.05)};
  const std::vector<Policy> policies{policy::constant(),
                                     policy::tail_tau(1.0, Cdf::mid, OnlineSample{.every = 3, .half_life = 5}),
                                     policy::ringmaster(3)};
  for (const engine::Engine& engine : kConsistent)
    for (const Law& law : laws)
      for (const std::size_t workers : {1, 4, 33})
        for (const double momentum : {0.0, 0.9}) {
          SimulationOptions options = options_of(engine, workers, 300);
          options.compute = law;
          options.publish = law::exponential(workers > 4 ? 0.02 : 0.3);
          options.train.momentum = momentum;
          options.train.policy = policies[workers % policies.size()];
          const Simulated run = simulated(quadratic, options);
          check_trace(run.records, workers);
          CHECK_EQUAL(run.records.size(), run.report.report.counts.gradients);
          CHECK_EQUAL(run.report.report.counts.published, 300u);
          std::vector<float> theta(37, 1.0f);
          replay(quadratic, theta, options.train, run.records);
          CHECK(theta == run.theta);
        }
}

TEST(corrected_gradients_have_the_bits_of_train_and_of_a_replay) {
  const Quadratic quadratic(2048 + 37, 40);
  for (const correction::Correction& correction : std::vector<correction::Correction>{
           correction::DelayCompensated{0.5}, correction::GapAware{0.9}, correction::NormClipped{2.0}})
    for (const engine::Engine& engine : kConsistent)
      for (const double momentum : {0.0, 0.9}) {
        const bool gathers = std::holds_alternative<engine::Softsync>(engine);
        if (gathers && correction::needs_view(correction)) continue;
        SimulationOptions options = options_of(engine, 1, 60);
        options.compute = law::exponential(1.0);
        options.train.momentum = momentum;
        options.train.correction = correction;
        std::vector<float> theta(quadratic.num_parameters(), 1.0f);
        train(quadratic, theta, options.train);
        CHECK(simulated(quadratic, options).theta == theta);
        options.train.workers = 7;
        const Simulated run = simulated(quadratic, options);
        theta.assign(theta.size(), 1.0f);
        replay(quadratic, theta, options.train, run.records);
        CHECK(run.theta == theta);
        options.train.correction = correction::None{};
        CHECK(simulated(quadratic, options).theta != theta || std::holds_alternative<engine::Synchronous>(engine));
      }
}

}  // namespace
