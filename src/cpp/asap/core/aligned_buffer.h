// An owning array on cache-line boundaries: every parameter vector, gradient and activation lives in one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory_resource>
#include <span>
#include <type_traits>
#include <utility>

#include "asap/core/types.h"

namespace asap {

/// Fixed-size array, aligned to a cache line and padded to whole lines, zeroed by the thread that makes it (or
/// untouched). Moves, never copies by accident. `memory` must outlive it. Thread-safety: as a plain array.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivial_v<T>, "AlignedBuffer holds plain numbers only");

 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size, std::pmr::memory_resource* memory = std::pmr::new_delete_resource())
      : AlignedBuffer(size, memory, Untouched{}) {
    std::fill_n(data_, bytes() / sizeof(T), T{});
  }

  /// Without values: for what is written before it is read. Its pages belong to whoever writes them first.
  static AlignedBuffer untouched(std::size_t size, std::pmr::memory_resource* memory) {
    return AlignedBuffer(size, memory, Untouched{});
  }

  AlignedBuffer(AlignedBuffer&& other) noexcept
      : size_(std::exchange(other.size_, 0)), memory_(other.memory_), data_(std::exchange(other.data_, nullptr)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(memory_, other.memory_);
    std::swap(data_, other.data_);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() {
    if (data_) memory_->deallocate(data_, bytes(), kCacheLine);
  }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::span<T> span() noexcept { return {data_, size_}; }
  std::span<const T> span() const noexcept { return {data_, size_}; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  struct Untouched {};
  AlignedBuffer(std::size_t size, std::pmr::memory_resource* memory, Untouched)
      : size_(size), memory_(memory), data_(static_cast<T*>(memory->allocate(bytes(), kCacheLine))) {}

  std::size_t bytes() const noexcept { return (size_ * sizeof(T) + kCacheLine - 1) / kCacheLine * kCacheLine; }

  std::size_t size_ = 0;
  std::pmr::memory_resource* memory_ = nullptr;
  T* data_ = nullptr;
};

}  // namespace asap
