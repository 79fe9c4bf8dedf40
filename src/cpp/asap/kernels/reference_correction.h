// Naive versions of the corrections' kernels.
#pragma once

#include <cmath>
#include <cstddef>

namespace asap::kernels::reference {

template <class T>
void compensate_delay(std::size_t n, T lambda, const T* gradient, const T* theta, const T* view, T* corrected) {
  for (std::size_t i = 0; i < n; ++i)
    corrected[i] = gradient[i] + lambda * gradient[i] * gradient[i] * (theta[i] - view[i]);
}

/// What never moved has no gap.
template <class T>
void divide_by_gap(std::size_t n, T weight, const T* gradient, const T* theta, const T* view, const T* movement,
                   T* corrected) {
  for (std::size_t i = 0; i < n; ++i) {
    const T distance = std::abs(theta[i] - view[i]);
    corrected[i] = distance == T{0} ? gradient[i] : gradient[i] / (1 + weight * distance / movement[i]);
  }
}

template <class T>
void average_movement(std::size_t n, T share, T factor, const T* x, const T* movement, T* movement_out) {
  for (std::size_t i = 0; i < n; ++i) movement_out[i] = (1 - share) * movement[i] + share * factor * std::abs(x[i]);
}

}  // namespace asap::kernels::reference
