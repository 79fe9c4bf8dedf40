// Activations, their derivatives, column sums, and the scaling of bytes.

ASAP_INLINE Vec rectified(Vec x) { return x > 0.0f ? x : Vec{}; }

ASAP_INLINE Vec tanh_of(Vec x) {
  for (std::size_t i = 0; i < kLanes; ++i) x[i] = __builtin_tanhf(x[i]);
  return x;
}

ASAP_INLINE Vec activated(Activation activation, Vec x) {
  switch (activation) {
    case Activation::relu:
      return rectified(x);
    case Activation::tanh:
      return tanh_of(x);
    default:
      return x;
  }
}

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

void scale_bytes(std::size_t n, const std::uint8_t* __restrict bytes, float scale, float* __restrict values) {
  for (std::size_t i = 0; i < n; ++i) values[i] = scale * static_cast<float>(bytes[i]);
}

void bias_gradient(std::size_t rows, std::size_t n, const float* d_output, float* gradient) {
  for (std::size_t j = 0; j < n; ++j) gradient[j] = 0;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < n; ++j) gradient[j] += d_output[i * n + j];
}
