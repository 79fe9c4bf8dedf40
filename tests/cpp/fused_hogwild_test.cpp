// Hogwild with its update fused into the backward pass: what it adds, when it settles τ, and what it refuses.
#include <cstring>
#include <limits>
#include <thread>

#include "asap/store/fused_hogwild.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "model_examples.h"
#include "quadratic.h"

namespace {

using namespace asap;
using examples::Layers;

constexpr Loss kClasses = Loss::softmax_cross_entropy;

/// A network with parameters and 40 samples, for every instruction set and small example.
template <class Check>
void for_every_network(Check check) {
  for (const auto& example : examples::small_examples())
    for (const auto* table : kernels::available()) {
      const Network network(example.input, example.layers, kClasses, *table);
      const auto batch = examples::random_batch<float>(40, example.input.size(), network.num_outputs(), 1);
      check(network, examples::random_parameters(network.parameters(), 1), examples::dataset(batch, example.input));
    }
}

/// θ + factor·gradient, added to `sum`, which is theta or another vector.
double add_gradient(const Network& network, const Dataset& data, std::size_t samples, float factor, const float* theta,
                    float* sum) {
  const auto workspace = network.fused_workspace(samples);
  const double loss = network.forward(theta, data, examples::all_indices(samples), *workspace);
  network.add_gradient(theta, factor, *workspace, sum);
  return loss;
}

/// Runs of a small network on one set of 100 samples.
struct Problem {
  Problem() : data(examples::dataset(batch, {1, 12, 12})), objective(network, data) {}
  std::vector<float> run(engine::Engine engine, std::size_t workers, double weight_decay = 0.0) {
    std::vector<float> theta = examples::random_parameters(network.parameters(), 2);
    report = train(objective, theta,
                   {.engine = engine,
                    .workers = workers,
                    .batch_size = 16,
                    .epochs = 6,
                    .rate = Rate::cosine(0.05, 0.0, 60),
                    .weight_decay = weight_decay,
                    .seed = 3});
    return theta;
  }
  const Network network{{1, 12, 12}, examples::small_lenet(), kClasses};
  const reference::Batch<float> batch = examples::random_batch<float>(100, 144, 4, 1);
  const Dataset data;
  const NetworkObjective objective;
  Report report;
};

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<double> difference;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference.push_back(static_cast<double>(a[i]) - static_cast<double>(b[i]));
  return examples::norm(difference) / examples::norm(b);
}

const Rate kHalf = Rate::constant(0.5);
const ScaleTable kFalling({2.0, 1.0, 0.0});  // C(2) = 0 rejects
const StepRule kRule(kHalf, kFalling);

}  // namespace

TEST(adding_a_gradient_is_adding_its_multiple) {
  for_every_network([](const Network& network, const std::vector<float>& theta, const Dataset& data) {
    for (const std::size_t samples : {1, 17, 40}) {
      const std::size_t size = theta.size();
      std::vector<float> gradient(size), sum(size, 1.0f);
      const double expected_loss = network.gradient(theta.data(), data, examples::all_indices(samples),
                                                    *network.workspace(samples), gradient.data());
      CHECK_EQUAL(add_gradient(network, data, samples, -0.25f, theta.data(), sum.data()), expected_loss);
      for (std::size_t i = 0; i < size; ++i) gradient[i] = 1.0f - 0.25f * gradient[i];
      CHECK(distance(sum, gradient) < 1e-6);
    }
  });
}

// A parameter written before its last read would make the two differ.
TEST(the_sum_may_be_the_parameters_themselves) {
  for_every_network([](const Network& network, const std::vector<float>& theta, const Dataset& data) {
    std::vector<float> in_place = theta, apart = theta;
    add_gradient(network, data, 40, -0.5f, in_place.data(), in_place.data());
    add_gradient(network, data, 40, -0.5f, theta.data(), apart.data());
    CHECK(in_place == apart);
    CHECK(in_place != theta);
  });
}

TEST(a_backward_pass_needs_a_forward_pass_and_a_workspace_of_its_own_kind) {
  const Network network({1, 28, 28}, examples::mlp(), kClasses);
  const auto batch = examples::random_batch<float>(300, 784, 10, 1);
  const Dataset data = examples::dataset(batch, {1, 28, 28});
  std::vector<float> theta = examples::random_parameters(network.parameters(), 1);
  const auto fused = network.fused_workspace(300), sliced = network.workspace(300);
  CHECK_THROWS(std::invalid_argument, network.add_gradient(theta.data(), 1.0f, *fused, theta.data()),
               "the workspace has seen no forward pass");
  CHECK_THROWS(std::invalid_argument, network.forward(theta.data(), data, examples::all_indices(300), *sliced),
               "fused_workspace()");
}

TEST(staleness_is_settled_between_the_passes) {
  FusedHogwildStore store(StateLayout(3), 2, std::vector<float>(3, 1.0f), false);
  auto first = store.handle(0), second = store.handle(1);
  const auto add = [&](FusedHogwildStore::Handle& handle) {
    const auto [sum, factor] = store.target(handle);
    for (std::size_t i = 0; i < 3; ++i) sum[i] += factor * 1.0f;  // a gradient of ones
    return store.commit(handle);
  };
  const auto publish = [&](FusedHogwildStore::Handle& handle) {
    store.prepare(handle, kRule);
    return store.accepts(handle) ? add(handle) : store.commit(handle);
  };
  store.read(first);
  store.read(second);
  store.prepare(second, kRule);  // before the first: its τ stays 0
  CHECK_EQUAL(publish(first).tau(), 1u);
  CHECK_EQUAL(add(second).tau(), 0u);

  std::vector<float> theta(3);
  CHECK_EQUAL(store.snapshot(theta), 2u);
  CHECK(theta == std::vector<float>(3, 1.0f - 0.5f * 1.0f - 0.5f * 2.0f));  // η C(1) and η C(0)

  store.read(first);
  for (int i = 0; i < 2; ++i) {
    store.read(second);
    CHECK(publish(second).outcome == Outcome::published);
  }
  std::vector<float> before(3), after(3);
  store.snapshot(before);
  const Receipt rejected = publish(first);  // C(2) = 0
  CHECK(rejected.outcome == Outcome::rejected);
  CHECK_EQUAL(rejected.tau(), 2u);
  CHECK_EQUAL(store.snapshot(after), 4u);
  CHECK(after == before);
}

TEST(weight_decay_multiplies_the_parameters_after_the_update) {
  FusedHogwildStore store(StateLayout(1), 1, std::vector<float>{4.0f}, false);
  auto handle = store.handle(0);
  store.read(handle);
  store.prepare(handle, kRule);
  const auto [sum, factor] = store.target(handle);
  sum[0] += factor * 2.0f;
  store.commit(handle);
  store.decay(handle, 0.25);
  std::vector<float> theta(1);
  store.snapshot(theta);
  CHECK_EQUAL(theta[0], (4.0f - 1.0f * 2.0f) * (1.0f - 1.0f * 0.25f));  // η C = 0.5 · 2
}

TEST(with_one_worker_it_is_sequential_up_to_rounding) {
  Problem problem;
  for (const double weight_decay : {0.0, 0.01})
    for (const bool copy : {false, true}) {
      const auto expected = problem.run(engine::Sequential{}, 1, weight_decay);
      const auto fused = problem.run(engine::FusedHogwild{.read = copy ? engine::Read::copy : engine::Read::in_place},
                                     1, weight_decay);
      // The decay of the gradient's part, at most Σ η²λ‖g‖, comes on top of rounding.
      CHECK(distance(fused, expected) < (weight_decay == 0.0 ? 1e-5 : 1e-3));
      CHECK_EQUAL(problem.report.counts.published, 6u * 7u);
      CHECK_EQUAL(problem.report.staleness[0].max_tau(), 0u);
      CHECK_EQUAL(problem.report.vectors_high_water, copy || !racy::kReadInPlace ? 2u : 1u);
    }
}

TEST(many_workers_publish_every_update) {
  Problem problem;
  const auto start = examples::random_parameters(problem.network.parameters(), 2);
  for (const bool copy : {false, true}) {
    const auto theta = problem.run(engine::FusedHogwild{.read = copy ? engine::Read::copy : engine::Read::in_place}, 4);
    CHECK_EQUAL(problem.report.counts.published, 6u * 7u);
    CHECK(kernels::active().all_finite(theta.size(), theta.data()));
    CHECK(theta != start);
  }
}

TEST(a_forward_pass_that_is_not_finite_ends_the_run) {
  Problem problem;
  auto inputs = problem.batch.inputs;
  inputs[5] = std::numeric_limits<float>::quiet_NaN();
  Dataset data = problem.data;
  data.inputs.data = reinterpret_cast<const std::byte*>(inputs.data());
  const NetworkObjective objective(problem.network, data);
  std::vector<float> theta = examples::random_parameters(problem.network.parameters(), 2);
  const Report report = train(objective, theta, {.engine = engine::FusedHogwild{}, .workers = 2, .epochs = 50});
  CHECK(report.status == Status::diverged);
  CHECK(kernels::active().all_finite(theta.size(), theta.data()));
}

TEST(what_it_cannot_do_is_refused) {
  Problem problem;
  std::vector<float> theta(problem.network.num_parameters());
  TrainOptions options{.engine = engine::FusedHogwild{}, .epochs = 1, .momentum = 0.5};
  CHECK_THROWS(std::invalid_argument, train(problem.objective, theta, options), "momentum must be 0");
  options.momentum = 0.0;
  const Quadratic quadratic(5);
  theta.resize(5);
  CHECK_THROWS(std::invalid_argument, train(quadratic, theta, options), "FusibleObjective");
}
