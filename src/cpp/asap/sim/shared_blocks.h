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
#include "asap/store/update.h"

namespace asap::sim {

/// An update of a block writes in place when nobody looks at what is there, else into memory that nobody looks at any
/// more, or new one. Memory: what was alive at the same time, and the velocity; where a correction looks at views, all
/// parts of a state are in one block. One thread.
class SharedBlocks {
 public:
  using Slot = std::size_t;

  SharedBlocks(std::span<const float> theta, const StateLayout& layout, std::size_t block_size)
      : size_(theta.size()),
        block_size_(std::min(block_size, size_)),
        layout_(layout),
        has_whole_states_(correction::needs_view(layout.correction())),
        velocity_(layout.has_velocity() && !has_whole_states_ ? size_ : 0) {
    for (std::size_t first = 0; first < size_; first += block_size_) {
      current_.push_back(acquire());
      std::fill_n(contents_[current_.back()].values.data(), contents_[current_.back()].values.size(), 0.0f);
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

  /// Updates the block. The view may have been unpinned: where its memory is written to, each piece was read before.
  void advance(std::size_t block, const ScaledGradient& update) {
    const Slot from = current_[block], to = contents_[from].readers == 0 ? from : acquire();
    if (has_whole_states_)
      asap::advance(layout_, update, values(from), contents_[to].values.data());
    else
      advance_part(block, update, values(from), contents_[to].values.data());
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

  /// By its part of the gradient: kernels::Table::advance, as in store/update.h.
  void advance_part(std::size_t block, const ScaledGradient& update, const float* from, float* to) {
    const kernels::Coefficients coefficients{static_cast<float>(update.step.rate),
                                             static_cast<float>(update.step.scale), layout_.momentum()};
    const std::size_t first = block * block_size_;
    float* velocity = layout_.has_velocity() ? velocity_.data() + first : nullptr;
    kernels::active().advance(length(block), coefficients, update.gradient + first, from, velocity, to, velocity);
  }

  /// What was given back last: it is the likeliest to be in a cache.
  Slot acquire() {
    if (free_.empty()) {
      const std::size_t size = has_whole_states_ ? layout_.size() : block_size_;
      contents_.push_back({AlignedBuffer<float>::untouched(size, std::pmr::new_delete_resource())});
      return contents_.size() - 1;
    }
    const Slot slot = free_.back();
    free_.pop_back();
    return slot;
  }

  const std::size_t size_, block_size_;
  const StateLayout layout_;
  const bool has_whole_states_;
  std::vector<Contents> contents_;
  std::vector<Slot> current_, free_;
  AlignedBuffer<float> velocity_;
};

}  // namespace asap::sim
