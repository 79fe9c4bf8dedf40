// Activations, their derivatives, column sums, and the scaling of bytes.

ASAP_INLINE Vec rectified(Vec x) { return larger_alone(x, Vec{}); }

void activate(Activation activation, std::size_t n, const float* x, float* y) {
  switch (activation) {
    case Activation::identity:
      return transform(n, [](Vec v) { return v; }, y, x);
    case Activation::relu:
      return transform(n, [](Vec v) { return rectified(v); }, y, x);
    case Activation::tanh:
      return transform(n, [](Vec v) { return tanh_of(v); }, y, x);
  }
}

void activate_backward(Activation activation, std::size_t n, const float* y, const float* d_y, float* d_x) {
  switch (activation) {
    case Activation::identity:
      return transform(n, [](Vec d) { return d; }, d_x, d_y);
    case Activation::relu:
      return transform(n, [](Vec v, Vec d) { return v > 0.0f ? d : Vec{}; }, d_x, y, d_y);
    case Activation::tanh:
      return transform(n, [](Vec v, Vec d) { return d * (1.0f - v * v); }, d_x, y, d_y);
  }
}

/// Four rows at a time, in chains that do not wait for each other.
void bias_gradient(std::size_t rows, std::size_t n, const float* d_output, Write write, float* gradient) {
  const std::size_t size = rows * n;
  for (std::size_t j = 0; j < n; j += kLanes) {
    Vec sums[4] = {};
    if (write == Write::add) sums[0] = load_within(gradient, n, j);
    std::size_t i = 0;
    for (; i + 4 <= rows; i += 4) {
      ASAP_UNROLL
      for (std::size_t q = 0; q < 4; ++q) sums[q] += load_within(d_output, size, (i + q) * n + j);
    }
    for (; i < rows; ++i) sums[0] += load_within(d_output, size, i * n + j);
    store_some(gradient + j, smaller(kLanes, n - j), (sums[0] + sums[1]) + (sums[2] + sums[3]));
  }
}

void scale_bytes(std::size_t n, const std::uint8_t* __restrict bytes, float scale, float* __restrict values) {
  for (std::size_t i = 0; i < n; ++i) values[i] = scale * static_cast<float>(bytes[i]);
}
