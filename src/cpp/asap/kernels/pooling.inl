// Max pooling in the lanes layout.

void pool_forward(const Pooling& p, std::size_t groups, const float* input, float* output) {
  const std::size_t rows = p.height / p.window, columns = p.width / p.window;
  const Vec* in = vectors(input);
  Vec* out = vectors(output);
  for (std::size_t plane = 0; plane < groups * p.channels; ++plane, in += p.height * p.width)
    for (std::size_t y = 0; y < rows; ++y)
      for (std::size_t x = 0; x < columns; ++x) {
        const Vec* square = in + y * p.window * p.width + x * p.window;
        Vec largest = square[0];
        for (std::size_t ky = 0; ky < p.window; ++ky)
          for (std::size_t kx = 0; kx < p.window; ++kx) largest = larger(square[ky * p.width + kx], largest);
        *out++ = largest;
      }
}

void pool_backward(const Pooling& p, std::size_t groups, const float* input, const float* output, const float* d_output,
                   float* d_input) {
  const std::size_t rows = p.height / p.window, columns = p.width / p.window;
  const Vec* in = vectors(input);
  const Vec* out = vectors(output);
  const Vec* d_out = vectors(d_output);
  Vec* d_in = vectors(d_input);
  for (std::size_t plane = 0; plane < groups * p.channels; ++plane) {
    for (std::size_t i = 0; i < p.height * p.width; ++i) d_in[i] = Vec{};
    for (std::size_t y = 0; y < rows; ++y)
      for (std::size_t x = 0; x < columns; ++x, ++out, ++d_out) {
        const std::size_t corner = y * p.window * p.width + x * p.window;
        IntVec open = ~IntVec{};
        for (std::size_t ky = 0; ky < p.window; ++ky)
          for (std::size_t kx = 0; kx < p.window; ++kx) {
            const std::size_t i = corner + ky * p.width + kx;
            const IntVec here = open & (in[i] == *out);
            d_in[i] = here ? *d_out : Vec{};
            open &= ~here;
          }
      }
    in += p.height * p.width;
    d_in += p.height * p.width;
  }
}
