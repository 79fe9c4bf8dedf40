// A value of several words that one thread writes and others read whole: never half of one update and half of the next.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "asap/core/concurrency.h"

namespace asap {

/// Thread-safety: `store` by one thread, `load` by anybody. Progress: `store` is wait-free; `load` is lock-free, it
/// tries again only when a value was stored meanwhile, and never waits for a writer that was interrupted half-way.
template <class T>
class WholeValue {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);

 public:
  void store(const T& value) noexcept {
    const std::uint64_t next = number_.load(std::memory_order_relaxed) + 1;
    const auto words = std::bit_cast<Words>(value);
    // (1) release: who sees a word of `next` knows that number_ is `next` − 1 at least, that is, that its slot is
    // reused.
    for (std::size_t i = 0; i < kWords; ++i) slots_[next % 2][i].store(words[i], std::memory_order_release);
    number_.store(next, std::memory_order_release);  // (2)
  }

  T load() const noexcept {
    for (;;) {
      const std::uint64_t number = number_.load(std::memory_order_acquire);  // pairs with (2)
      Words words;
      for (std::size_t i = 0; i < kWords; ++i)
        words[i] = slots_[number % 2][i].load(std::memory_order_acquire);  // pairs with (1)
      if (number_.load(std::memory_order_relaxed) == number) return std::bit_cast<T>(words);
    }
  }

 private:
  static constexpr std::size_t kWords = sizeof(T) / sizeof(std::uint64_t);
  using Words = std::array<std::uint64_t, kWords>;

  std::array<std::array<Atomic<std::uint64_t>, kWords>, 2> slots_{};  // the number's parity says which is current
  Atomic<std::uint64_t> number_{0};
};

}  // namespace asap
