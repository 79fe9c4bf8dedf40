// Naive references: what each kernel computes, as one plain loop nest, for any scalar type.
//
// All arrays are row-major *rows*: one sample after the other, [samples][features], where an image's features are
// [channel][row][column]. There is no lanes layout here, no padding and no scratch.
// Tests compare the kernels with reference::…<double>, and build networks from it whose gradients are checked by
// central differences. Thread-safety: functions of their arguments only.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "asap/kernels/kernels.h"

namespace asap::kernels::reference {

/// activation(x).
template <class T>
T activated(Activation activation, T x) {
  switch (activation) {
    case Activation::relu:
      return x > T(0) ? x : T(0);
    case Activation::tanh:
      return std::tanh(x);
    default:
      return x;
  }
}

/// activation'(x), written in the output y = activation(x).
template <class T>
T derivative(Activation activation, T y) {
  switch (activation) {
    case Activation::relu:
      return y > T(0) ? T(1) : T(0);
    case Activation::tanh:
      return T(1) - y * y;
    default:
      return T(1);
  }
}

template <class T>
void activate(Activation activation, std::size_t n, const T* x, T* y) {
  for (std::size_t i = 0; i < n; ++i) y[i] = activated(activation, x[i]);
}

/// d_x = d_y ⊙ activation'(·), from the activation's output y.
template <class T>
void activate_backward(Activation activation, std::size_t n, const T* y, const T* d_y, T* d_x) {
  for (std::size_t i = 0; i < n; ++i) d_x[i] = d_y[i] * derivative(activation, y[i]);
}

// --- dense layers

/// c[m][n] = activation(op(a)·op(b) + bias) with the storage of kernels::Gemm; bias may be nullptr.
template <class T>
void gemm(bool transpose_a, bool transpose_b, std::size_t m, std::size_t n, std::size_t k, const T* a, const T* b,
          const T* bias, Activation activation, T* c) {
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      T sum = bias ? bias[j] : T(0);
      for (std::size_t p = 0; p < k; ++p)
        sum += (transpose_a ? a[p * m + i] : a[i * k + p]) * (transpose_b ? b[j * k + p] : b[p * n + j]);
      c[i * n + j] = activated(activation, sum);
    }
}

/// Column sums of d_output[rows][n].
template <class T>
void bias_gradient(std::size_t rows, std::size_t n, const T* d_output, T* bias_gradient) {
  for (std::size_t j = 0; j < n; ++j) {
    bias_gradient[j] = T(0);
    for (std::size_t i = 0; i < rows; ++i) bias_gradient[j] += d_output[i * n + j];
  }
}

/// output[rows][outputs] = activation(input[rows][inputs] · weights[inputs][outputs] + bias).
template <class T>
void dense_forward(std::size_t rows, std::size_t inputs, std::size_t outputs, const T* input, const T* weights,
                   const T* bias, Activation activation, T* output) {
  gemm(false, false, rows, outputs, inputs, input, weights, bias, activation, output);
}

/// d_weights = inputᵀ · d_output and d_bias = column sums of d_output, where d_output is taken before the activation.
template <class T>
void dense_backward_weights(std::size_t rows, std::size_t inputs, std::size_t outputs, const T* input,
                            const T* d_output, T* d_weights, T* d_bias) {
  gemm<T>(true, false, inputs, outputs, rows, input, d_output, nullptr, Activation::identity, d_weights);
  bias_gradient(rows, outputs, d_output, d_bias);
}

/// d_input = d_output · weightsᵀ.
template <class T>
void dense_backward_data(std::size_t rows, std::size_t inputs, std::size_t outputs, const T* d_output, const T* weights,
                         T* d_input) {
  gemm<T>(false, true, rows, inputs, outputs, d_output, weights, nullptr, Activation::identity, d_input);
}

// --- losses

/// probability = softmax of each row; may be in place.
template <class T>
void softmax(std::size_t rows, std::size_t classes, const T* output, T* probability) {
  for (std::size_t i = 0; i < rows; ++i, output += classes, probability += classes) {
    T largest = output[0], sum = T(0);
    for (std::size_t j = 1; j < classes; ++j) largest = output[j] > largest ? output[j] : largest;
    for (std::size_t j = 0; j < classes; ++j) sum += probability[j] = std::exp(output[j] - largest);
    for (std::size_t j = 0; j < classes; ++j) probability[j] /= sum;
  }
}

/// Σ_i −log softmax(output_i)[label_i]; d_output = weight·(softmax − onehot) unless nullptr.
template <class T>
T softmax_cross_entropy(std::size_t rows, std::size_t classes, const T* output, const std::int32_t* labels, T weight,
                        T* d_output) {
  T loss = T(0);
  for (std::size_t i = 0; i < rows; ++i, output += classes) {
    const auto label = static_cast<std::size_t>(labels[i]);
    T largest = output[0], sum = T(0);
    for (std::size_t j = 1; j < classes; ++j) largest = output[j] > largest ? output[j] : largest;
    for (std::size_t j = 0; j < classes; ++j) sum += std::exp(output[j] - largest);
    loss += std::log(sum) - (output[label] - largest);
    for (std::size_t j = 0; d_output && j < classes; ++j)
      d_output[i * classes + j] = weight * (std::exp(output[j] - largest) / sum - (j == label ? T(1) : T(0)));
  }
  return loss;
}

/// Σ_i (1/n)·‖output_i − target_i‖²; d_output = weight·(2/n)·(output − target) unless nullptr.
template <class T>
T squared_error(std::size_t rows, std::size_t n, const T* output, const T* target, T weight, T* d_output) {
  T loss = T(0);
  for (std::size_t i = 0; i < rows * n; ++i) {
    const T difference = output[i] - target[i];
    loss += difference * difference / static_cast<T>(n);
    if (d_output) d_output[i] = weight * T(2) / static_cast<T>(n) * difference;
  }
  return loss;
}

// --- convolution

/// Calls visit(o, i, w) for every product output[o] += input[i]·weights[w] of one sample's convolution.
template <class Visit>
void for_each_product(const Convolution& c, Visit visit) {
  for (std::size_t f = 0; f < c.filters; ++f)
    for (std::size_t y = 0; y < c.out_height(); ++y)
      for (std::size_t x = 0; x < c.out_width(); ++x)
        for (std::size_t ch = 0; ch < c.channels; ++ch)
          for (std::size_t ky = 0; ky < c.window; ++ky)
            for (std::size_t kx = 0; kx < c.window; ++kx)
              visit((f * c.out_height() + y) * c.out_width() + x, (ch * c.height + y + ky) * c.width + x + kx,
                    ((f * c.channels + ch) * c.window + ky) * c.window + kx);
}

template <class T>
void conv_forward(const Convolution& c, std::size_t samples, const T* input, const T* weights, const T* bias,
                  Activation activation, T* output) {
  const std::size_t area = c.out_height() * c.out_width();
  for (std::size_t s = 0; s < samples; ++s, input += c.inputs(), output += c.outputs()) {
    for (std::size_t o = 0; o < c.outputs(); ++o) output[o] = bias ? bias[o / area] : T(0);
    for_each_product(c, [&](std::size_t o, std::size_t i, std::size_t w) { output[o] += input[i] * weights[w]; });
    activate(activation, c.outputs(), output, output);
  }
}

template <class T>
void conv_backward_weights(const Convolution& c, std::size_t samples, const T* input, const T* d_output, T* d_weights,
                           T* d_bias) {
  const std::size_t area = c.out_height() * c.out_width();
  for (std::size_t w = 0; w < c.weights(); ++w) d_weights[w] = T(0);
  for (std::size_t f = 0; f < c.filters; ++f) d_bias[f] = T(0);
  for (std::size_t s = 0; s < samples; ++s, input += c.inputs(), d_output += c.outputs()) {
    for_each_product(c, [&](std::size_t o, std::size_t i, std::size_t w) { d_weights[w] += input[i] * d_output[o]; });
    for (std::size_t o = 0; o < c.outputs(); ++o) d_bias[o / area] += d_output[o];
  }
}

template <class T>
void conv_backward_data(const Convolution& c, std::size_t samples, const T* d_output, const T* weights, T* d_input) {
  for (std::size_t s = 0; s < samples; ++s, d_output += c.outputs(), d_input += c.inputs()) {
    for (std::size_t i = 0; i < c.inputs(); ++i) d_input[i] = T(0);
    for_each_product(c, [&](std::size_t o, std::size_t i, std::size_t w) { d_input[i] += d_output[o] * weights[w]; });
  }
}

// --- pooling

/// Index, within one sample's input, of the first maximum of output o's square, in row-major order.
template <class T>
std::size_t first_maximum(const Pooling& p, const T* input, std::size_t o) {
  const std::size_t x = o % p.out_width(), y = o / p.out_width() % p.out_height(),
                    ch = o / p.out_width() / p.out_height();
  const std::size_t corner = (ch * p.height + y * p.window) * p.width + x * p.window;
  std::size_t best = corner;
  for (std::size_t ky = 0; ky < p.window; ++ky)
    for (std::size_t kx = 0; kx < p.window; ++kx)
      if (const std::size_t i = corner + ky * p.width + kx; input[i] > input[best]) best = i;
  return best;
}

template <class T>
void pool_forward(const Pooling& p, std::size_t samples, const T* input, T* output) {
  for (std::size_t s = 0; s < samples; ++s, input += p.inputs(), output += p.outputs())
    for (std::size_t o = 0; o < p.outputs(); ++o) output[o] = input[first_maximum(p, input, o)];
}

template <class T>
void pool_backward(const Pooling& p, std::size_t samples, const T* input, const T* d_output, T* d_input) {
  for (std::size_t s = 0; s < samples; ++s, input += p.inputs(), d_output += p.outputs(), d_input += p.inputs()) {
    for (std::size_t i = 0; i < p.inputs(); ++i) d_input[i] = T(0);
    for (std::size_t o = 0; o < p.outputs(); ++o) d_input[first_maximum(p, input, o)] += d_output[o];
  }
}

// --- convolution, activation and pooling over 2×2 squares

/// What the convolution's output is pooled by.
constexpr Pooling squares_of(const Convolution& c) { return {c.filters, c.out_height(), c.out_width(), 2}; }

/// Index, within one sample's output of the convolution, of position `winner` (0 … 3) of square o.
inline std::size_t winner_index(const Pooling& p, std::size_t o, std::int16_t winner) {
  const std::size_t x = o % p.out_width(), y = o / p.out_width() % p.out_height(),
                    ch = o / p.out_width() / p.out_height(), i = static_cast<std::size_t>(winner);
  return (ch * p.height + 2 * y + i / 2) * p.width + 2 * x + i % 2;
}

template <class T>
void conv_pool_forward(const Convolution& c, std::size_t samples, const T* input, const T* weights, const T* bias,
                       Activation activation, T* output, std::int16_t* winners) {
  const Pooling p = squares_of(c);
  std::vector<T> full(p.inputs());
  for (std::size_t s = 0; s < samples; ++s, input += c.inputs(), output += p.outputs(), winners += p.outputs()) {
    conv_forward(c, 1, input, weights, bias, activation, full.data());
    for (std::size_t o = 0; o < p.outputs(); ++o) {
      const std::size_t best = first_maximum(p, full.data(), o);
      output[o] = full[best];
      winners[o] = 0;
      while (winner_index(p, o, winners[o]) != best) ++winners[o];
      if (activation == Activation::relu && !(full[best] > T(0))) winners[o] = 4;
    }
  }
}

template <class T>
void conv_pool_backward(const Convolution& c, std::size_t samples, const T* input, const std::int16_t* winners,
                        const T* d_output, const T* weights, T* d_weights, T* d_bias, T* d_input) {
  const Pooling p = squares_of(c);
  std::vector<T> d_full(samples * p.inputs());
  for (std::size_t s = 0; s < samples; ++s)
    for (std::size_t o = 0; o < p.outputs(); ++o)
      if (const std::int16_t winner = winners[s * p.outputs() + o]; winner < 4)
        d_full[s * p.inputs() + winner_index(p, o, winner)] = d_output[s * p.outputs() + o];
  conv_backward_weights(c, samples, input, d_full.data(), d_weights, d_bias);
  conv_backward_data(c, samples, d_full.data(), weights, d_input);
}

// --- update

/// One update: see kernels::Coefficients. velocity and velocity_out are both null without momentum.
template <class T>
void advance(std::size_t n, T rate, T scale, T momentum, const T* gradient, const T* theta, const T* velocity,
             T* theta_out, T* velocity_out) {
  for (std::size_t i = 0; i < n; ++i) {
    const T step = velocity ? momentum * velocity[i] + scale * gradient[i] : scale * gradient[i];
    theta_out[i] = theta[i] - rate * step;
    if (velocity_out) velocity_out[i] = step;
  }
}

}  // namespace asap::kernels::reference
