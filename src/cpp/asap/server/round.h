// A round of synchronous SGD whose gradients come in any order.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/server/delivery.h"
#include "asap/store/round_mean.h"

namespace asap::server {

/// The mean is summed in the order of batches, which is that of the workers of a run on threads: the same bits, whoever
/// brought what and when. Memory: the gradients of a round. One thread.
class Round {
 public:
  struct Part {
    Delivery delivery;  // without the gradient
    std::size_t samples = 0;
    AlignedBuffer<float> gradient;
  };

  /// Begins the next one, of so many batches; numbers from `end` on belong to later ones.
  void open(std::size_t batches, std::uint64_t end) {
    missing_ = batches;
    end_ = end;
    for (Part& part : parts_) spare_.push_back(std::move(part.gradient));
    parts_.clear();
  }

  std::uint64_t end() const { return end_; }

  void add(const Delivery& delivery, std::size_t samples, std::size_t parameters) {
    pass();
    const auto place = std::find_if(parts_.begin(), parts_.end(),
                                    [&](const Part& part) { return part.delivery.batch > delivery.batch; });
    Part part{delivery, samples, memory(parameters)};
    part.delivery.gradient = nullptr;
    kernels::active().copy(parameters, delivery.gradient, part.gradient.data());
    parts_.insert(place, std::move(part));
  }

  /// One batch less: its gradient is given up.
  void pass() { --missing_; }

  bool is_complete() const { return missing_ == 0; }
  std::span<const Part> parts() const { return parts_; }

  /// The mean gradient, weighed by samples; overwrites that of the first part.
  const float* mean() {
    std::vector<Part*> parts;
    for (Part& part : parts_) parts.push_back(&part);
    average(std::span<Part* const>(parts), 0, parts_.front().gradient.size());
    return parts_.front().gradient.data();
  }

 private:
  AlignedBuffer<float> memory(std::size_t parameters) {
    if (spare_.empty()) return AlignedBuffer<float>(parameters);
    AlignedBuffer<float> buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
  }

  std::size_t missing_ = 0;
  std::uint64_t end_ = 0;
  std::vector<Part> parts_;  // in the order of batches
  std::vector<AlignedBuffer<float>> spare_;
};

}  // namespace asap::server
