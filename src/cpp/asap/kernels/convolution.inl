// Direct convolution in the lanes layout: kLanes samples side by side, so that every access is a whole vector, every
// weight a broadcast, and no data is rearranged. This file: what the three kernels share, and the forward one.

/// A Convolution with its output's sides.
struct Extents {
  explicit Extents(const Convolution& c)
      : channels(c.channels),
        height(c.height),
        width(c.width),
        filters(c.filters),
        window(c.window),
        rows(c.height - c.window + 1),
        columns(c.width - c.window + 1) {}
  std::size_t channels, height, width, filters, window, rows, columns;
};

/// Sums that fit into the registers besides what they are computed from.
constexpr std::size_t kSums = kRegisters == 32 ? 24 : 12;

/// Output columns whose sums fit beside those of `filters` filters. More than eight would only lengthen the code.
constexpr std::size_t columns_beside(std::size_t filters) { return kSums / filters < 8 ? kSums / filters : 8; }

/// The next smaller tile, for what larger tiles leave over.
constexpr std::size_t next_tile(std::size_t size) { return size > 4 ? 4 : size - 1; }

/// sums[i][x] += weights[i·stride]·columns[x]. Whichever factors are fewer wait in registers for the others.
template <std::size_t kRows, std::size_t kColumns>
ASAP_INLINE void add_products(Vec (&sums)[kRows][kColumns], const float* weights, std::size_t stride,
                              const Vec* columns) {
  if constexpr (kRows < kColumns) {
    Vec factors[kRows];
    ASAP_UNROLL
    for (std::size_t i = 0; i < kRows; ++i) factors[i] = broadcast(weights[i * stride]);
    ASAP_UNROLL
    for (std::size_t x = 0; x < kColumns; ++x) {
      const Vec column = columns[x];
      ASAP_UNROLL
      for (std::size_t i = 0; i < kRows; ++i) sums[i][x] += factors[i] * column;
    }
  } else {
    ASAP_UNROLL
    for (std::size_t i = 0; i < kRows; ++i) {
      const Vec factor = broadcast(weights[i * stride]);
      ASAP_UNROLL
      for (std::size_t x = 0; x < kColumns; ++x) sums[i][x] += factor * columns[x];
    }
  }
}

/// kFilters × kColumns outputs, `tiles` times along a row. `in`, `weights`, `bias` and `out` point to the first
/// channel, filter and output.
template <std::size_t kFilters, std::size_t kColumns>
ASAP_TILE void convolve_tiles(const Extents& e, std::size_t tiles, const Vec* in, const float* weights,
                              const float* bias, bool rectify, Vec* out) {
  const std::size_t filter_weights = e.channels * e.window * e.window;
  for (; tiles > 0; --tiles, in += kColumns, out += kColumns) {
    Vec sums[kFilters][kColumns];
    ASAP_UNROLL
    for (std::size_t f = 0; f < kFilters; ++f) {
      ASAP_UNROLL
      for (std::size_t x = 0; x < kColumns; ++x) sums[f][x] = broadcast(bias ? bias[f] : 0.0f);
    }
    const float* weight = weights;
    for (std::size_t channel = 0; channel < e.channels; ++channel)
      for (std::size_t ky = 0; ky < e.window; ++ky) {
        const Vec* row = in + (channel * e.height + ky) * e.width;
        for (std::size_t kx = 0; kx < e.window; ++kx) add_products(sums, weight++, filter_weights, hidden(row + kx));
      }
    ASAP_UNROLL
    for (std::size_t f = 0; f < kFilters; ++f) {
      ASAP_UNROLL
      for (std::size_t x = 0; x < kColumns; ++x)
        out[f * e.rows * e.columns + x] = rectify ? rectified(sums[f][x]) : sums[f][x];
    }
  }
}

/// One row: kColumns columns at a time, then fewer.
template <std::size_t kFilters, std::size_t kColumns>
void convolve_row(const Extents& e, std::size_t columns, const Vec* in, const float* weights, const float* bias,
                  bool rectify, Vec* out) {
  const std::size_t tiles = columns / kColumns, done = tiles * kColumns;
  if (tiles > 0) convolve_tiles<kFilters, kColumns>(e, tiles, in, weights, bias, rectify, out);
  if constexpr (kColumns > 1)
    if (columns > done)
      convolve_row<kFilters, next_tile(kColumns)>(e, columns - done, in + done, weights, bias, rectify, out + done);
}

/// One group: kFilters filters at a time, then fewer.
template <std::size_t kFilters>
void convolve_filters(const Extents& e, std::size_t filters, const Vec* in, const float* weights, const float* bias,
                      bool rectify, Vec* out) {
  for (; filters >= kFilters; filters -= kFilters) {
    for (std::size_t y = 0; y < e.rows; ++y)
      convolve_row<kFilters, columns_beside(kFilters)>(e, e.columns, in + y * e.width, weights, bias, rectify,
                                                       out + y * e.columns);
    weights += kFilters * e.channels * e.window * e.window;
    if (bias) bias += kFilters;
    out += kFilters * e.rows * e.columns;
  }
  if constexpr (kFilters > 1)
    if (filters > 0) convolve_filters<next_tile(kFilters)>(e, filters, in, weights, bias, rectify, out);
}

void conv_forward(const Convolution& c, std::size_t groups, const float* input, const float* weights, const float* bias,
                  Activation activation, float* output) {
  const Extents e(c);
  const std::size_t inputs = e.channels * e.height * e.width, outputs = e.filters * e.rows * e.columns;
  for (std::size_t g = 0; g < groups; ++g)
    convolve_filters<6>(e, e.filters, vectors(input) + g * inputs, weights, bias, activation == Activation::relu,
                        vectors(output) + g * outputs);
  if (activation == Activation::tanh) activate(Activation::tanh, groups * outputs * kLanes, output, output);
}
