// Objectives whose gradients are whole numbers, so that sums of floats are exact.
#pragma once

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "asap/data/permutation.h"
#include "asap/kernels/kernels.h"
#include "asap/model/objective.h"
#include "interruptions.h"

namespace stress {

/// One sample, no loss; its workers accept interruptions, if there are any.
class Plain : public asap::FusibleObjective {
 public:
  explicit Plain(std::size_t parameters) : parameters_(parameters) {}
  std::size_t num_parameters() const override { return parameters_; }
  std::size_t num_samples() const override { return 1; }
  std::unique_ptr<asap::Workspace> workspace(std::size_t) const override { return accept(); }
  std::unique_ptr<asap::Workspace> fused_workspace(std::size_t) const override { return accept(); }
  asap::Metrics evaluate(const float*, const asap::Batch&, asap::Workspace*) const override { return {}; }
  double forward(const float*, const asap::Batch&, asap::Workspace*) const override { return 0; }
  void add_gradient(const float*, float, asap::Workspace*, float*) const override {}

 private:
  /// In the worker's own thread.
  static std::unique_ptr<asap::Workspace> accept() {
    Interruptions::accept();
    return nullptr;
  }
  std::size_t parameters_;
};

/// Gradients of ones: with η·C = 1, N published updates leave −N in every component, unless some were lost.
class Ones : public Plain {
 public:
  using Plain::Plain;
  double gradient(const float*, const asap::Batch&, asap::Workspace*, float* gradient) const override {
    std::copy(ones_.begin(), ones_.end(), gradient);
    return 0;
  }
  void add_gradient(const float*, float factor, asap::Workspace*, float* sum) const override {
    asap::kernels::active().accumulate(ones_.size(), factor, ones_.data(), sum);
  }

 private:
  std::vector<float> ones_ = std::vector<float>(num_parameters(), 1.0f);
};

/// Component j of batch b is a number of −8 … 7 that depends on both, times `factor`: the means of so many gradients
/// are whole, too. Workers give way to others while they compute.
class Integers final : public Plain {
 public:
  Integers(std::size_t parameters, std::size_t factor) : Plain(parameters), factor_(static_cast<int>(factor)) {}

  double gradient(const float*, const asap::Batch& batch, asap::Workspace*, float* gradient) const override {
    for (std::size_t j = 0; j < num_parameters(); ++j) gradient[j] = static_cast<float>(factor_ * number(batch.id, j));
    std::this_thread::yield();
    return 0;
  }
  double forward(const float*, const asap::Batch&, asap::Workspace*) const override {
    std::this_thread::yield();
    return 0;
  }

  static int number(std::uint64_t batch, std::size_t j) {
    return static_cast<int>(asap::mix_bits(batch) * (2 * j + 1) >> 60) - 8;
  }

 private:
  int factor_;
};

/// Parameters in lines that carry checksums: [updates | 14 numbers | minus their sum]. With η·C = 1 every update keeps
/// them: it counts one up in every line, and the numbers it adds have the sum that it subtracts. A vector is whole when
/// all lines count the same and every sum is right. Each view is looked at before and behind its gradient.
class Checksummed final : public Plain {
 public:
  static constexpr std::size_t kLine = 16;

  explicit Checksummed(std::size_t lines) : Plain(lines * kLine) {}

  double gradient(const float* theta, const asap::Batch& batch, asap::Workspace*, float* gradient) const override {
    look(theta);
    for (std::size_t j = 0; j < num_parameters(); j += kLine) fill(gradient + j, batch.id, j);
    std::this_thread::yield();  // so that others publish, while this view is still in use
    look(theta);
    return 0;
  }

  bool is_whole(const float* theta) const {
    bool whole = true;
    for (std::size_t j = 0; j < num_parameters(); j += kLine) {
      float sum = 0;
      for (std::size_t i = 1; i < kLine; ++i) sum += theta[j + i];
      whole &= sum == 0.0f && theta[j] == theta[0];
    }
    return whole;
  }

  std::uint64_t looks() const { return looks_; }
  std::uint64_t torn() const { return torn_; }

 private:
  void look(const float* theta) const {
    looks_.fetch_add(1, std::memory_order_relaxed);
    if (!is_whole(theta)) torn_.fetch_add(1, std::memory_order_relaxed);
  }

  static void fill(float* line, std::uint64_t batch, std::size_t place) {
    line[0] = -1;
    int sum = 0;
    for (std::size_t i = 1; i + 1 < kLine; ++i) {
      const int number = Integers::number(batch, place + i);
      line[i] = static_cast<float>(number);
      sum += number;
    }
    line[kLine - 1] = static_cast<float>(-sum);
  }

  mutable std::atomic<std::uint64_t> looks_{0}, torn_{0};
};

}  // namespace stress
