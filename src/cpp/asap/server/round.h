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
    AlignedBuffer<float> gradient;  // nothing: it is given up
    bool is_given_up() const { return gradient.size() == 0; }
  };

  /// Begins the next one, of so many batches; numbers from `end` on belong to later ones.
  void open(std::size_t batches, std::uint64_t end) {
    batches_ = batches;
    end_ = end;
    for (Part& part : parts_)
      if (!part.is_given_up()) spare_.push_back(std::move(part.gradient));
    parts_.clear();
  }

  std::uint64_t end() const { return end_; }

  void add(const Delivery& delivery, std::size_t samples, std::size_t parameters) {
    Part part{delivery, samples, memory(parameters)};
    kernels::active().copy(parameters, delivery.gradient, part.gradient.data());
    insert(std::move(part));
  }

  /// The mean is that of the others. The part stays until the round ends: a checkpoint has none of its batches, or all.
  void give_up(const Delivery& delivery) { insert({delivery, 0, AlignedBuffer<float>()}); }

  bool is_complete() const { return parts_.size() == batches_; }
  std::span<const Part> parts() const { return parts_; }

  /// The mean gradient, weighed by samples; overwrites the first one. Nothing: all are given up.
  const float* mean() {
    std::vector<Part*> parts;
    for (Part& part : parts_)
      if (!part.is_given_up()) parts.push_back(&part);
    if (parts.empty()) return nullptr;
    average(std::span<Part* const>(parts), 0, parts.front()->gradient.size());
    return parts.front()->gradient.data();
  }

 private:
  void insert(Part part) {
    const auto place = std::find_if(parts_.begin(), parts_.end(),
                                    [&](const Part& later) { return later.delivery.batch > part.delivery.batch; });
    part.delivery.gradient = nullptr;
    parts_.insert(place, std::move(part));
  }

  AlignedBuffer<float> memory(std::size_t parameters) {
    if (spare_.empty()) return AlignedBuffer<float>(parameters);
    AlignedBuffer<float> buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
  }

  std::size_t batches_ = 0;
  std::uint64_t end_ = 0;
  std::vector<Part> parts_;  // in the order of batches
  std::vector<AlignedBuffer<float>> spare_;
};

}  // namespace asap::server
