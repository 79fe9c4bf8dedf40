// Direct convolution in the lanes layout: kLanes samples side by side, so that every access is a whole vector.

void conv_forward(const Convolution& c, std::size_t groups, const float* input, const float* weights, const float* bias,
                  Activation activation, float* output) {
  const std::size_t rows = c.height - c.window + 1, columns = c.width - c.window + 1;
  const Vec* in = vectors(input);
  Vec* out = vectors(output);
  for (std::size_t g = 0; g < groups; ++g, in += c.channels * c.height * c.width)
    for (std::size_t f = 0; f < c.filters; ++f)
      for (std::size_t y = 0; y < rows; ++y)
        for (std::size_t x = 0; x < columns; ++x) {
          Vec sums = broadcast(bias ? bias[f] : 0.0f);
          const float* w = weights + f * c.channels * c.window * c.window;
          for (std::size_t ch = 0; ch < c.channels; ++ch)
            for (std::size_t ky = 0; ky < c.window; ++ky)
              for (std::size_t kx = 0; kx < c.window; ++kx)
                sums += *w++ * in[(ch * c.height + y + ky) * c.width + x + kx];
          *out++ = activated(activation, sums);
        }
}

std::size_t conv_backward_scratch(const Convolution&) { return 0; }

void conv_backward_weights(const Convolution& c, std::size_t groups, const float* input, const float* d_output,
                           float* d_weights, float* d_bias, float*) {
  const std::size_t rows = c.height - c.window + 1, columns = c.width - c.window + 1;
  for (std::size_t f = 0; f < c.filters; ++f) {
    Vec bias_sums{};
    for (std::size_t g = 0; g < groups; ++g) {
      const Vec* d = vectors(d_output) + (g * c.filters + f) * rows * columns;
      for (std::size_t i = 0; i < rows * columns; ++i) bias_sums += d[i];
    }
    d_bias[f] = sum(bias_sums);
    for (std::size_t ch = 0; ch < c.channels; ++ch)
      for (std::size_t ky = 0; ky < c.window; ++ky)
        for (std::size_t kx = 0; kx < c.window; ++kx) {
          Vec sums{};
          for (std::size_t g = 0; g < groups; ++g)
            for (std::size_t y = 0; y < rows; ++y) {
              const Vec* d = vectors(d_output) + ((g * c.filters + f) * rows + y) * columns;
              const Vec* in = vectors(input) + ((g * c.channels + ch) * c.height + y + ky) * c.width + kx;
              for (std::size_t x = 0; x < columns; ++x) sums += d[x] * in[x];
            }
          d_weights[((f * c.channels + ch) * c.window + ky) * c.window + kx] = sum(sums);
        }
  }
}

void conv_backward_data(const Convolution& c, std::size_t groups, const float* d_output, const float* weights,
                        float* d_input, float*) {
  const std::size_t rows = c.height - c.window + 1, columns = c.width - c.window + 1;
  const Vec* d = vectors(d_output);
  Vec* d_in = vectors(d_input);
  for (std::size_t g = 0; g < groups; ++g, d += c.filters * rows * columns)
    for (std::size_t ch = 0; ch < c.channels; ++ch)
      for (std::size_t y = 0; y < c.height; ++y)
        for (std::size_t x = 0; x < c.width; ++x) {
          Vec sums{};
          for (std::size_t f = 0; f < c.filters; ++f)
            for (std::size_t ky = 0; ky < c.window; ++ky)
              for (std::size_t kx = 0; kx < c.window; ++kx)
                if (ky <= y && y - ky < rows && kx <= x && x - kx < columns)
                  sums += weights[((f * c.channels + ch) * c.window + ky) * c.window + kx] *
                          d[(f * rows + y - ky) * columns + x - kx];
          *d_in++ = sums;
        }
}
