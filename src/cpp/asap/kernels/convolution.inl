// Direct convolution in the lanes layout: kLanes samples side by side, so that every access is a whole vector, every
// weight a broadcast, and no data is rearranged. This file: what the kernels share, and the forward one.

/// A Convolution with its output's sides. The output may be cut off on the right and below: then the kernels neither
/// compute nor read the rest, and see no more of the input than `covered`.
struct Extents {
  explicit Extents(const Convolution& c) : Extents(c, c.height - c.window + 1, c.width - c.window + 1) {}
  Extents(const Convolution& c, std::size_t output_rows, std::size_t output_columns)
      : channels(c.channels),
        height(c.height),
        width(c.width),
        filters(c.filters),
        window(c.window),
        rows(output_rows),
        columns(output_columns) {}
  std::size_t inputs() const { return channels * height * width; }
  std::size_t outputs() const { return filters * rows * columns; }
  std::size_t filter_weights() const { return channels * window * window; }
  std::size_t covered_height() const { return rows + window - 1; }
  std::size_t covered_width() const { return columns + window - 1; }
  std::size_t channels, height, width, filters, window, rows, columns;
};

/// Sums that fit into the registers besides what they are computed from.
constexpr std::size_t kSums = kRegisters == 32 ? 24 : 12;

/// Output columns whose sums fit beside those of `filters` filters. More than eight would only lengthen the code.
constexpr std::size_t columns_beside(std::size_t filters) { return kSums / filters < 8 ? kSums / filters : 8; }

/// How many tiles of `size` there are when `total` is cut into as few tiles of at most that size as possible, as equal
/// to each other as possible: a small rest would leave the arithmetic idle. The others are smaller by one, or all are.
ASAP_INLINE std::size_t tiles_of(std::size_t size, std::size_t total) {
  const std::size_t tiles = (total + size - 1) / size;
  return total > tiles * (size - 1) ? total - tiles * (size - 1) : 0;
}

/// sums[i][j] += weights[i·stride]·columns[j], where columns[j] lie side by side in kRows rows of that width. Whichever
/// factors are fewer wait in registers for the others.
template <std::size_t kRows, std::size_t kFilters, std::size_t kOutputs>
ASAP_INLINE void add_products(Vec (&sums)[kFilters][kOutputs], const float* weights, std::size_t stride,
                              const Vec* columns, std::size_t width) {
  constexpr std::size_t kColumns = kOutputs / kRows;
  if constexpr (kFilters < kOutputs) {
    Vec factors[kFilters];
    ASAP_UNROLL
    for (std::size_t i = 0; i < kFilters; ++i) factors[i] = broadcast(weights[i * stride]);
    ASAP_UNROLL
    for (std::size_t j = 0; j < kOutputs; ++j) {
      const Vec column = columns[j / kColumns * width + j % kColumns];
      ASAP_UNROLL
      for (std::size_t i = 0; i < kFilters; ++i) sums[i][j] += factors[i] * column;
    }
  } else {
    ASAP_UNROLL
    for (std::size_t i = 0; i < kFilters; ++i) {
      const Vec factor = broadcast(weights[i * stride]);
      ASAP_UNROLL
      for (std::size_t j = 0; j < kOutputs; ++j) sums[i][j] += factor * columns[j / kColumns * width + j % kColumns];
    }
  }
}

/// sums = the outputs of kFilters filters side by side in kRows rows. `in`, `weights` and `bias` point to the first
/// channel and filter.
template <std::size_t kRows, std::size_t kFilters, std::size_t kOutputs>
ASAP_INLINE void convolve(const Extents& e, const Vec* in, const float* weights, const float* bias,
                          Vec (&sums)[kFilters][kOutputs]) {
  ASAP_UNROLL
  for (std::size_t f = 0; f < kFilters; ++f) {
    ASAP_UNROLL
    for (std::size_t j = 0; j < kOutputs; ++j) sums[f][j] = broadcast(bias ? bias[f] : 0.0f);
  }
  for (std::size_t channel = 0; channel < e.channels; ++channel)
    for (std::size_t ky = 0; ky < e.window; ++ky) {
      const Vec* row = in + (channel * e.height + ky) * e.width;
      for (std::size_t kx = 0; kx < e.window; ++kx)
        add_products<kRows>(sums, weights++, e.filter_weights(), hidden(row + kx), e.width);
    }
}

/// kFilters × kColumns outputs, `tiles` times along a row. `out` points to the first output.
template <std::size_t kFilters, std::size_t kColumns>
ASAP_TILE void convolve_tiles(const Extents& e, std::size_t tiles, const Vec* in, const float* weights,
                              const float* bias, bool rectify, Vec* out) {
  for (; tiles > 0; --tiles, in += kColumns, out += kColumns) {
    Vec sums[kFilters][kColumns];
    const Extents& now = *hidden(&e);
    convolve<1>(now, in, weights, bias, sums);
    const std::size_t plane = now.rows * now.columns;
    Vec* to = out;
    ASAP_UNROLL
    for (std::size_t f = 0; f < kFilters; ++f, to = hidden(to + plane)) {
      ASAP_UNROLL
      for (std::size_t x = 0; x < kColumns; ++x) to[x] = rectify ? rectified(sums[f][x]) : sums[f][x];
    }
  }
}

/// One row: kColumns columns at a time, then fewer.
template <std::size_t kFilters, std::size_t kColumns>
void convolve_row(const Extents& e, std::size_t columns, const Vec* in, const float* weights, const float* bias,
                  bool rectify, Vec* out) {
  const std::size_t tiles = tiles_of(kColumns, columns), done = tiles * kColumns;
  if (tiles > 0) convolve_tiles<kFilters, kColumns>(e, tiles, in, weights, bias, rectify, out);
  if constexpr (kColumns > 1)
    if (columns > done)
      convolve_row<kFilters, kColumns - 1>(e, columns - done, in + done, weights, bias, rectify, out + done);
}

/// One group: kFilters filters at a time, then fewer.
template <std::size_t kFilters>
void convolve_filters(const Extents& e, std::size_t filters, const Vec* in, const float* weights, const float* bias,
                      bool rectify, Vec* out) {
  const std::size_t done = tiles_of(kFilters, filters) * kFilters;
  for (std::size_t f = 0; f < done; f += kFilters) {
    for (std::size_t y = 0; y < e.rows; ++y)
      convolve_row<kFilters, columns_beside(kFilters)>(e, e.columns, in + y * e.width, weights, bias, rectify,
                                                       out + y * e.columns);
    weights += kFilters * e.filter_weights();
    if (bias) bias += kFilters;
    out += kFilters * e.rows * e.columns;
  }
  if constexpr (kFilters > 1)
    if (filters > done) convolve_filters<kFilters - 1>(e, filters - done, in, weights, bias, rectify, out);
}

void conv_forward(const Convolution& c, std::size_t groups, const float* input, const float* weights, const float* bias,
                  Activation activation, float* output) {
  const Extents e(c);
  for (std::size_t g = 0; g < groups; ++g)
    convolve_filters<6>(e, e.filters, vectors(input) + g * e.inputs(), weights, bias, activation == Activation::relu,
                        vectors(output) + g * e.outputs());
  if (activation == Activation::tanh) activate(Activation::tanh, groups * e.outputs() * kLanes, output, output);
}
