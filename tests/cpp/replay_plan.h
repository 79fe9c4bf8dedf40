// Random traced runs, and what their replay must give: the linearizability test of the engines.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "asap/core/rng.h"
#include "asap/model/network.h"
#include "asap/train/replay.h"
#include "interruptions.h"
#include "model_examples.h"
#include "quadratic.h"

namespace replay_test {

using namespace asap;

/// A quadratic or a small network on noise, and where a run of it begins.
class Problem {
 public:
  virtual ~Problem() = default;
  virtual const Objective& objective() const = 0;
  virtual std::vector<float> start() const = 0;
  virtual std::string name() const = 0;
};

class QuadraticProblem final : public Problem {
 public:
  QuadraticProblem(std::size_t parameters, std::size_t samples) : quadratic_(parameters, samples) {}
  const Objective& objective() const override { return quadratic_; }
  std::vector<float> start() const override { return std::vector<float>(quadratic_.num_parameters(), 1.0f); }
  std::string name() const override { return "quadratic " + std::to_string(quadratic_.num_parameters()); }

 private:
  Quadratic quadratic_;
};

/// Many parameters, cheap gradients: most of the time goes into publishing, where workers meet.
class Spring final : public Quadratic {
 public:
  using Quadratic::Quadratic;
  double gradient(const float* theta, const Batch& batch, Workspace*, float* gradient) const override {
    const auto rest = static_cast<float>(sample(batch.samples.front(), 0));
    for (std::size_t j = 0; j < num_parameters(); ++j) gradient[j] = theta[j] - rest;
    return 1.0;
  }
};

class SpringProblem final : public Problem {
 public:
  SpringProblem(std::size_t parameters, std::size_t samples) : spring_(parameters, samples) {}
  const Objective& objective() const override { return spring_; }
  std::vector<float> start() const override {
    std::vector<float> theta(spring_.num_parameters());
    for (std::size_t j = 0; j < theta.size(); ++j) theta[j] = static_cast<float>(j % 1013);
    return theta;
  }
  std::string name() const override { return "spring " + std::to_string(spring_.num_parameters()); }

 private:
  Spring spring_;
};

class NetworkProblem final : public Problem {
 public:
  NetworkProblem(std::string name, Shape input, examples::Layers layers, std::size_t samples)
      : name_(std::move(name)),
        network_(input, std::move(layers), Loss::softmax_cross_entropy),
        batch_(examples::random_batch<float>(samples, input.size(), network_.num_outputs(), 7)),
        data_{.inputs = examples::view(batch_.inputs, samples, input), .labels = batch_.labels, .targets = {}},
        objective_(network_, data_) {}
  const Objective& objective() const override { return objective_; }
  std::vector<float> start() const override { return examples::random_parameters(network_.parameters(), 3); }
  std::string name() const override { return name_; }

 private:
  std::string name_;
  Network network_;
  reference::Batch<float> batch_;
  Dataset data_;
  NetworkObjective objective_;
};

/// An objective whose gradients take a while, some longer than others, with the view in use, and whose workers accept
/// interruptions: they overtake each other even where there are more of them than processors.
class Unhurried final : public Objective {
 public:
  explicit Unhurried(const Objective& inner) : inner_(inner) {}
  std::size_t num_parameters() const override { return inner_.num_parameters(); }
  std::size_t num_samples() const override { return inner_.num_samples(); }
  std::unique_ptr<Workspace> workspace(std::size_t max_batch) const override { return inner_.workspace(max_batch); }
  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
    Interruptions::accept();
    pause(2 * batch.id);
    const double loss = inner_.gradient(theta, batch, workspace, gradient);
    pause(2 * batch.id + 1);
    return loss;
  }
  Metrics evaluate(const float* theta, const Batch& batch, Workspace* workspace) const override {
    return inner_.evaluate(theta, batch, workspace);
  }

 private:
  static void pause(std::uint64_t id) {
    const std::uint32_t dice = Rng(id, Stream::tests).bits() % 8;
    if (dice == 0) std::this_thread::sleep_for(std::chrono::microseconds(20));
    if (dice < 4) std::this_thread::yield();
  }

  const Objective& inner_;
};

/// One run with its trace, and the parameters it began and ended with.
struct TracedRun {
  TrainOptions options;
  std::vector<float> start, theta;
  std::vector<TraceRecord> records;
  Report report;
};

inline TracedRun traced(const Objective& objective, std::vector<float> start, TrainOptions options) {
  TraceMemory memory;
  options.trace = &memory;
  TracedRun run{.options = options, .start = start, .theta = std::move(start), .records = {}, .report = {}};
  run.report = train(Unhurried(objective), run.theta, options);
  run.options.trace = nullptr;
  run.records = std::move(memory.records);
  return run;
}

/// Not only the same numbers: 0 and −0 differ.
inline bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

/// The parameters that a replay of these records arrives at.
inline std::vector<float> replayed(const Objective& objective, const TracedRun& run,
                                   const std::vector<TraceRecord>& records) {
  std::vector<float> theta = run.start;
  replay(objective, theta, run.options, records, {.first = 0, .velocity = {}, .last = run.report.version});
  return theta;
}

}  // namespace replay_test
