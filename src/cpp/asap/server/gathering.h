// The update in the making of n-softsync.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/store/gathered_mean.h"

namespace asap::server {

/// Gradients that wait for others, in the order of their sum: that of workers, and of each one's gradients. Memory:
/// those that wait. One thread.
class Gathering {
 public:
  /// Keeps a copy.
  void add(const float* gradient, std::size_t parameters, double scale, std::size_t worker) {
    if (buffers_.size() == parts_.size()) buffers_.emplace_back(parameters);
    float* kept = buffers_[parts_.size()].data();
    kernels::active().copy(parameters, gradient, kept);
    const auto place = std::upper_bound(parts_.begin(), parts_.end(), worker,
                                        [](std::size_t own, const GatheredPart& part) { return own < part.worker; });
    parts_.insert(place, {kept, scale, worker});
  }

  std::size_t size() const { return parts_.size(); }
  std::span<const GatheredPart> parts() const { return parts_; }
  void clear() { parts_.clear(); }

 private:
  std::vector<GatheredPart> parts_;
  std::vector<AlignedBuffer<float>> buffers_;  // of the parts, in the order in which they came
};

}  // namespace asap::server
