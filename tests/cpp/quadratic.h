// Objectives whose runs can be calculated: used by the tests of stores and trainer.
#pragma once

#include <atomic>
#include <stdexcept>
#include <vector>

#include "asap/model/objective.h"

/// Loss ½‖θ − x_i‖² averaged over a batch; the minimum over all samples is their mean. x_i is a hash of i in [−1, 1).
class Quadratic : public asap::Objective {
 public:
  explicit Quadratic(std::size_t parameters, std::size_t samples = 100) : parameters_(parameters), samples_(samples) {}

  std::size_t num_parameters() const override { return parameters_; }
  std::size_t num_samples() const override { return samples_; }
  std::unique_ptr<asap::Workspace> workspace(std::size_t) const override { return nullptr; }

  double gradient(const float* theta, const asap::Batch& batch, asap::Workspace*, float* gradient) const override {
    double loss = 0;
    const auto size = static_cast<double>(batch.samples.size());
    for (std::size_t j = 0; j < parameters_; ++j) {
      double sum = 0;
      for (const std::uint64_t i : batch.samples) {
        const double difference = static_cast<double>(theta[j]) - sample(i, j);
        sum += difference;
        loss += difference * difference / 2;
      }
      gradient[j] = static_cast<float>(sum / size);
    }
    return loss / size;
  }

  asap::Metrics evaluate(const float* theta, const asap::Batch& batch, asap::Workspace*) const override {
    asap::Metrics metrics{.loss_sum = 0, .correct = 0, .samples = batch.samples.size()};
    for (const std::uint64_t i : batch.samples)
      for (std::size_t j = 0; j < parameters_; ++j) {
        const double difference = static_cast<double>(theta[j]) - sample(i, j);
        metrics.loss_sum += difference * difference / 2;
      }
    return metrics;
  }

  double minimum(std::size_t j) const {
    double sum = 0;
    for (std::size_t i = 0; i < samples_; ++i) sum += sample(i, j);
    return sum / static_cast<double>(samples_);
  }

  static double sample(std::uint64_t i, std::size_t j) {
    std::uint64_t x = (i + 1) * 0x9e3779b97f4a7c15u + (j + 1) * 0xbf58476d1ce4e5b9u;
    x ^= x >> 31;
    x *= 0x94d049bb133111ebu;
    return static_cast<double>(x >> 40) / static_cast<double>(1 << 23) - 1.0;
  }

 private:
  std::size_t parameters_, samples_;
};

/// Every gradient is all ones: with η·C = 1, N published updates leave exactly −N in every component.
class Ones : public Quadratic {
 public:
  using Quadratic::Quadratic;
  double gradient(const float*, const asap::Batch&, asap::Workspace*, float* gradient) const override {
    for (std::size_t j = 0; j < num_parameters(); ++j) gradient[j] = 1.0f;
    return 1.0;
  }
};
