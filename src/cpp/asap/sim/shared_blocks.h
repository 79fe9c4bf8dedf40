// The parameters in blocks, whose former contents live as long as somebody looks at them: one copy of each, however
// many look.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/kernels/kernels.h"
#include "asap/step/step_rule.h"

namespace asap::sim {

/// An update of a block writes in place when nobody looks at what is there, else into memory that nobody looks at any
/// more, or new one. Memory: what was alive at the same time, and the velocity. One thread.
class SharedBlocks {
 public:
  using Slot = std::size_t;

  SharedBlocks(std::span<const float> theta, double momentum, std::size_t block_size)
      : size_(theta.size()),
        block_size_(std::min(block_size, size_)),
        momentum_(static_cast<float>(momentum)),
        velocity_(momentum != 0.0 ? size_ : 0) {
    for (std::size_t first = 0; first < size_; first += block_size_) {
      current_.push_back(acquire());
      std::copy_n(theta.data() + first, length(num_blocks() - 1), contents_[current_.back()].values.data());
      contents_[current_.back()].is_current = true;
    }
  }

  std::size_t num_blocks() const { return current_.size(); }
  std::size_t length(std::size_t block) const { return std::min(block_size_, size_ - block * block_size_); }
  std::size_t block_size() const { return block_size_; }

  const float* values(Slot slot) const { return contents_[slot].values.data(); }
  const float* current(std::size_t block) const { return values(current_[block]); }

  /// Keeps what the block has now until it is unpinned as often.
  Slot pin(std::size_t block) {
    ++contents_[current_[block]].readers;
    return current_[block];
  }

  void unpin(Slot slot) {
    if (--contents_[slot].readers == 0 && !contents_[slot].is_current) free_.push_back(slot);
  }

  /// Updates the block by its part of the gradient: kernels::Table::advance, the arithmetic of every engine (store.h).
  void advance(std::size_t block, const Step& step, const float* gradient) {
    const Slot from = current_[block], to = contents_[from].readers == 0 ? from : acquire();
    const kernels::Coefficients coefficients{static_cast<float>(step.rate), static_cast<float>(step.scale), momentum_};
    const std::size_t first = block * block_size_;
    float* velocity = momentum_ != 0.0f ? velocity_.data() + first : nullptr;
    kernels::active().advance(length(block), coefficients, gradient + first, values(from), velocity,
                              contents_[to].values.data(), velocity);
    contents_[from].is_current = false;
    contents_[to].is_current = true;
    current_[block] = to;
  }

  std::size_t high_water() const { return contents_.size(); }  ///< contents alive at the same time, at most

 private:
  struct Contents {
    AlignedBuffer<float> values;
    std::size_t readers = 0;
    bool is_current = false;
  };

  /// What was given back last: it is the likeliest to be in a cache.
  Slot acquire() {
    if (free_.empty()) {
      contents_.push_back({AlignedBuffer<float>::untouched(block_size_, std::pmr::new_delete_resource())});
      return contents_.size() - 1;
    }
    const Slot slot = free_.back();
    free_.pop_back();
    return slot;
  }

  const std::size_t size_, block_size_;
  const float momentum_;
  std::vector<Contents> contents_;
  std::vector<Slot> current_, free_;
  AlignedBuffer<float> velocity_;
};

}  // namespace asap::sim
