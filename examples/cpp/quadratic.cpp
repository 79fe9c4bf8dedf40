// Minimises an objective of its own, without Python and without asap's models: once with the trainer, once with a store
// alone and threads of its own.
//
//   quadratic [rate]     prints how far from the minimum each came; exits with 1 when one did not get there
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "asap/core/rng.h"
#include "asap/model/objective.h"
#include "asap/store/leashed.h"
#include "asap/train/trainer.h"

namespace {

constexpr std::size_t kParameters = 64, kSamples = 4096, kBatch = 16, kWorkers = 2;

/// f(θ) = mean over i of ½‖θ − xᵢ‖², for noisy samples xᵢ = c + N(0, 1). Its minimum is the mean of the samples.
class Quadratic : public asap::Objective {
 public:
  Quadratic() : samples_(kSamples * kParameters) {
    asap::Rng noise(/*seed=*/1, asap::Stream::initial_values);
    for (std::size_t i = 0; i < samples_.size(); ++i) samples_[i] = center(i % kParameters) + float(noise.normal());
  }

  std::size_t num_parameters() const override { return kParameters; }
  std::size_t num_samples() const override { return kSamples; }
  std::unique_ptr<asap::Workspace> workspace(std::size_t) const override { return nullptr; }  // none is needed

  double gradient(const float* theta, const asap::Batch& batch, asap::Workspace*, float* gradient) const override {
    std::fill_n(gradient, kParameters, 0.0f);
    const auto weight = 1.0f / float(batch.samples.size());
    for (const std::uint64_t i : batch.samples)
      for (std::size_t j = 0; j < kParameters; ++j) gradient[j] += weight * (theta[j] - sample(i)[j]);
    return evaluate(theta, batch, nullptr).loss();
  }

  asap::Metrics evaluate(const float* theta, const asap::Batch& batch, asap::Workspace*) const override {
    asap::Metrics metrics{.samples = batch.samples.size()};
    for (const std::uint64_t i : batch.samples)
      for (std::size_t j = 0; j < kParameters; ++j) metrics.loss_sum += 0.5 * std::pow(theta[j] - sample(i)[j], 2);
    return metrics;
  }

  /// Root mean square of θ − x̄ over the parameters.
  double distance(std::span<const float> theta) const {
    double squares = 0;
    for (std::size_t j = 0; j < kParameters; ++j) squares += std::pow(theta[j] - mean(j), 2);
    return std::sqrt(squares / kParameters);
  }

 private:
  static float center(std::size_t j) { return j % 2 ? 1.0f : -1.0f; }
  const float* sample(std::size_t i) const { return samples_.data() + i * kParameters; }
  double mean(std::size_t j) const {
    double sum = 0;
    for (std::size_t i = 0; i < kSamples; ++i) sum += sample(i)[j];
    return sum / kSamples;
  }

  std::vector<float> samples_;  // [sample][parameter]
};

std::vector<float> train(const Quadratic& objective, double rate) {
  std::vector<float> theta(kParameters);
  const asap::Report report = asap::train(objective, theta,
                                          {.engine = asap::engine::Leashed{.persistence = 2},
                                           .workers = kWorkers,
                                           .batch_size = kBatch,
                                           .epochs = 4,
                                           .rate = asap::Rate::constant(rate),
                                           .policy = asap::policy::inverse_plus_one(),
                                           .seed = 1});
  std::cout << "trainer: " << report.counts.published << " updates, effective step " << report.counts.effective_step()
            << ", ";
  return theta;
}

/// One worker's loop on a store: read, gradient, publish.
void work(asap::LeashedStore& store, const Quadratic& objective, const asap::StepRule& rule, std::uint32_t worker) {
  asap::Rng choice(/*seed=*/2, asap::Stream::initial_values, worker);
  auto handle = store.handle(worker);
  std::vector<std::uint64_t> samples(kBatch);
  for (std::uint64_t update = 0; update < 512; ++update) {
    for (std::uint64_t& sample : samples) sample = choice.bits() % kSamples;
    const asap::View view = store.read(handle);
    objective.gradient(view.theta, {update, samples}, nullptr, handle.gradient.data());
    do store.prepare(handle, rule);
    while (store.commit(handle).outcome == asap::Outcome::retry);
  }
  store.leave(handle);
}

std::vector<float> share_a_store(const Quadratic& objective, double rate) {
  std::vector<float> theta(kParameters);
  asap::LeashedStore store(asap::StateLayout(kParameters), kWorkers, theta, asap::engine::Leashed::kUnbounded);
  const asap::Rate schedule = asap::Rate::constant(rate);
  const asap::ScaleTable scale({1.0, 0.5});  // C(0) = 1, later updates count half
  const asap::StepRule rule(schedule, scale);
  std::vector<std::thread> workers;
  for (std::uint32_t w = 0; w < kWorkers; ++w)
    workers.emplace_back(work, std::ref(store), std::cref(objective), std::cref(rule), w);
  for (std::thread& worker : workers) worker.join();
  std::cout << "store:   " << store.snapshot(theta) << " updates, ";
  return theta;
}

/// Plain SGD at rate η hovers about the minimum at a distance of √(η / ((2 − η)·batch)); three times that is far off.
bool arrived(const Quadratic& objective, std::span<const float> theta, double bound) {
  const double distance = objective.distance(theta);
  std::cout << "distance to the minimum " << distance << " (at most " << bound << ")" << std::endl;
  return distance <= bound;
}

}  // namespace

int main(int argc, char** argv) {
  const double rate = argc > 1 ? std::atof(argv[1]) : 0.05;
  const double bound = 3 * std::sqrt(0.05 / ((2 - 0.05) * kBatch));
  const Quadratic objective;
  const bool trained = arrived(objective, train(objective, rate), bound);
  const bool shared = arrived(objective, share_a_store(objective, rate), bound);
  return trained && shared ? EXIT_SUCCESS : EXIT_FAILURE;
}
