// An owning array on cache-line boundaries: every parameter vector, gradient and activation lives in one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "asap/core/types.h"

namespace asap {

/// Fixed-size array, aligned to a cache line and padded to whole lines, zero-initialised. Moves, never copies by
/// accident. Thread-safety: as a plain array.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivial_v<T>, "AlignedBuffer holds plain numbers only");

 public:
  AlignedBuffer() = default;
  explicit AlignedBuffer(std::size_t size) : size_(size), data_(allocate(size)) {}
  AlignedBuffer(AlignedBuffer&& other) noexcept
      : size_(std::exchange(other.size_, 0)), data_(std::exchange(other.data_, nullptr)) {}
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    std::swap(size_, other.size_);
    std::swap(data_, other.data_);
    return *this;
  }
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;
  ~AlignedBuffer() { ::operator delete(data_, std::align_val_t{kCacheLine}); }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::span<T> span() noexcept { return {data_, size_}; }
  std::span<const T> span() const noexcept { return {data_, size_}; }
  T& operator[](std::size_t i) noexcept { return data_[i]; }
  const T& operator[](std::size_t i) const noexcept { return data_[i]; }

 private:
  static T* allocate(std::size_t size) {
    const std::size_t bytes = (size * sizeof(T) + kCacheLine - 1) / kCacheLine * kCacheLine;
    auto* data = static_cast<T*>(::operator new(bytes, std::align_val_t{kCacheLine}));
    std::fill_n(data, bytes / sizeof(T), T{});
    return data;
  }

  std::size_t size_ = 0;
  T* data_ = nullptr;
};

}  // namespace asap
