// Max pooling in the lanes layout. The common window of 2 is known to the compiler, others are kWindow = 0.

/// A Pooling with its output's sides.
struct Squares {
  explicit Squares(const Pooling& p)
      : planes(p.channels),
        height(p.height),
        width(p.width),
        window(p.window),
        rows(p.height / p.window),
        columns(p.width / p.window) {}
  std::size_t planes, height, width, window, rows, columns;
};

template <std::size_t kWindow>
ASAP_INLINE Vec largest_of_square(const Squares& s, const Vec* corner) {
  const std::size_t window = kWindow ? kWindow : s.window;
  Vec largest = corner[0];
  for (std::size_t ky = 0; ky < window; ++ky)
    for (std::size_t kx = 0; kx < window; ++kx) largest = larger(corner[ky * s.width + kx], largest);
  return largest;
}

template <std::size_t kWindow>
void pool_planes(const Squares& s, std::size_t planes, const Vec* in, Vec* out) {
  for (; planes > 0; --planes, in += s.height * s.width)
    for (std::size_t y = 0; y < s.rows; ++y)
      for (std::size_t x = 0; x < s.columns; ++x)
        *out++ = largest_of_square<kWindow>(s, in + (y * s.width + x) * s.window);
}

void pool_forward(const Pooling& p, std::size_t groups, const float* input, float* output) {
  const Squares s(p);
  const auto pool = s.window == 2 ? pool_planes<2> : pool_planes<0>;
  pool(s, groups * s.planes, vectors(input), vectors(output));
}

/// Gives d to the first value of the square that equals the largest, and 0 to the others.
template <std::size_t kWindow>
ASAP_INLINE void spread_over_square(const Squares& s, const Vec* corner, Vec largest, Vec d, Vec* d_corner) {
  const std::size_t window = kWindow ? kWindow : s.window;
  IntVec open = ~IntVec{};
  for (std::size_t ky = 0; ky < window; ++ky)
    for (std::size_t kx = 0; kx < window; ++kx) {
      const std::size_t i = ky * s.width + kx;
      const IntVec here = open & (corner[i] == largest);
      d_corner[i] = here ? d : Vec{};
      open &= ~here;
    }
}

/// Zeros for the columns and rows that fill no square.
void clear_rest(const Squares& s, Vec* d_in) {
  for (std::size_t y = 0; y < s.rows * s.window; ++y)
    for (std::size_t x = s.columns * s.window; x < s.width; ++x) d_in[y * s.width + x] = Vec{};
  for (std::size_t i = s.rows * s.window * s.width; i < s.height * s.width; ++i) d_in[i] = Vec{};
}

template <std::size_t kWindow>
void unpool_planes(const Squares& s, std::size_t planes, const Vec* in, const Vec* out, const Vec* d_out, Vec* d_in) {
  for (; planes > 0; --planes, in += s.height * s.width, d_in += s.height * s.width) {
    for (std::size_t y = 0; y < s.rows; ++y)
      for (std::size_t x = 0; x < s.columns; ++x) {
        const std::size_t corner = (y * s.width + x) * s.window;
        spread_over_square<kWindow>(s, in + corner, *out++, *d_out++, d_in + corner);
      }
    clear_rest(s, d_in);
  }
}

void pool_backward(const Pooling& p, std::size_t groups, const float* input, const float* output, const float* d_output,
                   float* d_input) {
  const Squares s(p);
  const auto unpool = s.window == 2 ? unpool_planes<2> : unpool_planes<0>;
  unpool(s, groups * s.planes, vectors(input), vectors(output), vectors(d_output), vectors(d_input));
}
