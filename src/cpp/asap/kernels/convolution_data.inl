// The gradient of a convolution in the lanes layout by its input:
// d_input[x] = Σ weights[kx]·d_output[x − kx] over the kx for which d_output has that column. In the middle of a row
// these are all of them; in the first and the last kEdge columns the tiles below know which.

constexpr std::size_t kEdge = 4;

/// Row y of d_input, and the rows of weights that connect it with rows of d_output. Sums begin with 0, or go on from
/// what the filters before left in d_input.
struct RowRange {
  RowRange(const Extents& e, std::size_t row, bool is_going_on)
      : y(row), first(y < e.rows ? 0 : y - e.rows + 1), last(smaller(y, e.window - 1)), goes_on(is_going_on) {}
  std::size_t y, first, last;
  bool goes_on;
};

/// Calls add(d_row, weight_row) for every filter and row of weights. The sums stay the caller's local variables.
template <class Add>
ASAP_INLINE void for_each_row(const Extents& e, const RowRange& r, const Vec* d_out, const float* weights, Add add) {
  for (std::size_t f = 0; f < e.filters; ++f) {
    for (std::size_t ky = r.first; ky <= r.last; ++ky) add(d_out + (r.y - ky) * e.columns, weights + ky * e.window);
    d_out += e.rows * e.columns;
    weights += e.filter_weights();
  }
}

/// Where the sums of adjacent columns begin.
template <std::size_t kChannels, std::size_t kColumns>
ASAP_INLINE void begin(const Extents& e, const RowRange& r, const Vec* d_in, Vec (&sums)[kChannels][kColumns]) {
  ASAP_UNROLL
  for (std::size_t channel = 0; channel < kChannels; ++channel) {
    ASAP_UNROLL
    for (std::size_t x = 0; x < kColumns; ++x)
      sums[channel][x] = r.goes_on ? d_in[channel * e.height * e.width + x] : Vec{};
  }
}

/// d_in[channel][0 … kColumns) = sums.
template <std::size_t kChannels, std::size_t kColumns>
ASAP_INLINE void put(const Extents& e, const Vec (&sums)[kChannels][kColumns], Vec* d_in) {
  ASAP_UNROLL
  for (std::size_t channel = 0; channel < kChannels; ++channel) {
    ASAP_UNROLL
    for (std::size_t x = 0; x < kColumns; ++x) d_in[channel * e.height * e.width + x] = sums[channel][x];
  }
}

/// Columns x … x + kColumns, which connect to d_output through weights first … last of each row.
template <std::size_t kChannels, std::size_t kColumns>
ASAP_TILE void gather_tile(const Extents& e, const RowRange& r, std::size_t x, std::size_t first, std::size_t last,
                           const Vec* d_out, const float* weights, Vec* d_in) {
  d_in += r.y * e.width + x;
  Vec sums[kChannels][kColumns];
  begin(e, r, d_in, sums);
  for_each_row(e, r, d_out, weights, [&](const Vec* d_row, const float* row) {
    for (std::size_t kx = first; kx <= last; ++kx)
      add_products<1>(sums, row + kx, e.window * e.window, hidden(d_row + x - kx), 0);
  });
  put(e, sums, d_in);
}

/// The first kEdge columns.
template <std::size_t kChannels>
ASAP_TILE void gather_left(const Extents& e, const RowRange& r, const Vec* d_out, const float* weights, Vec* d_in) {
  d_in += r.y * e.width;
  Vec sums[kChannels][kEdge];
  begin(e, r, d_in, sums);
  for_each_row(e, r, d_out, weights, [&](const Vec* d_row, const float* row) {
    ASAP_UNROLL
    for (std::size_t kx = 0; kx < kEdge; ++kx) {
      if (kx >= e.window) continue;
      ASAP_UNROLL
      for (std::size_t channel = 0; channel < kChannels; ++channel) {
        const float weight = row[channel * e.window * e.window + kx];
        ASAP_UNROLL
        for (std::size_t x = kx; x < kEdge; ++x) sums[channel][x] += weight * d_row[x - kx];
      }
    }
  });
  put(e, sums, d_in);
}

/// The last kEdge columns: the mirror image.
template <std::size_t kChannels>
ASAP_TILE void gather_right(const Extents& e, const RowRange& r, const Vec* d_out, const float* weights, Vec* d_in) {
  d_in += r.y * e.width + e.covered_width() - kEdge;
  Vec sums[kChannels][kEdge];
  begin(e, r, d_in, sums);
  for_each_row(e, r, d_out, weights, [&](const Vec* d_row, const float* row) {
    const Vec* d = d_row + e.columns - kEdge;
    ASAP_UNROLL
    for (std::size_t back = 0; back < kEdge; ++back) {
      if (back >= e.window) continue;
      ASAP_UNROLL
      for (std::size_t channel = 0; channel < kChannels; ++channel) {
        const float weight = row[channel * e.window * e.window + e.window - 1 - back];
        ASAP_UNROLL
        for (std::size_t x = 0; x + back < kEdge; ++x) sums[channel][x] += weight * d[x + back];
      }
    }
  });
  put(e, sums, d_in);
}

/// Columns x … end, all of which connect through every weight of a row.
template <std::size_t kChannels, std::size_t kColumns>
void gather_middle(const Extents& e, const RowRange& r, std::size_t x, std::size_t end, const Vec* d_out,
                   const float* weights, Vec* d_in) {
  const std::size_t rest = x + tiles_of(kColumns, end - x) * kColumns;
  for (; x < rest; x += kColumns) gather_tile<kChannels, kColumns>(e, r, x, 0, e.window - 1, d_out, weights, d_in);
  if constexpr (kColumns > 1)
    if (x < end) gather_middle<kChannels, kColumns - 1>(e, r, x, end, d_out, weights, d_in);
}

/// Columns x … end, each of which may connect through other weights.
template <std::size_t kChannels>
void gather_singly(const Extents& e, const RowRange& r, std::size_t x, std::size_t end, const Vec* d_out,
                   const float* weights, Vec* d_in) {
  for (; x < end; ++x)
    gather_tile<kChannels, 1>(e, r, x, x < e.columns ? 0 : x - e.columns + 1, smaller(x, e.window - 1), d_out, weights,
                              d_in);
}

template <std::size_t kChannels>
void gather_row(const Extents& e, const RowRange& r, const Vec* d_out, const float* weights, Vec* d_in) {
  if (e.columns < kEdge) return gather_singly<kChannels>(e, r, 0, e.width, d_out, weights, d_in);
  const std::size_t left = kEdge, right = larger(left, e.covered_width() - kEdge);  // in short rows the edges overlap
  const std::size_t first = smaller(larger(left, e.window - 1), right), last = larger(first, smaller(e.columns, right));
  gather_left<kChannels>(e, r, d_out, weights, d_in);
  gather_singly<kChannels>(e, r, left, first, d_out, weights, d_in);
  gather_middle<kChannels, columns_beside(kChannels)>(e, r, first, last, d_out, weights, d_in);
  gather_singly<kChannels>(e, r, last, right, d_out, weights, d_in);
  gather_right<kChannels>(e, r, d_out, weights, d_in);
  gather_singly<kChannels>(e, r, e.covered_width(), e.width, d_out, weights, d_in);
}

/// kChannels channels at a time, then fewer.
template <std::size_t kChannels>
void gather_channels(const Extents& e, std::size_t channels, bool goes_on, const Vec* d_out, const float* weights,
                     Vec* d_in) {
  const std::size_t done = tiles_of(kChannels, channels) * kChannels;
  for (std::size_t channel = 0; channel < done; channel += kChannels) {
    for (std::size_t y = 0; y < e.height; ++y) gather_row<kChannels>(e, RowRange(e, y, goes_on), d_out, weights, d_in);
    weights += kChannels * e.window * e.window;
    d_in += kChannels * e.height * e.width;
  }
  if constexpr (kChannels > 1)
    if (channels > done) gather_channels<kChannels - 1>(e, channels - done, goes_on, d_out, weights, d_in);
}

/// Filters that are worked off together: what one row of d_input needs of their gradients stays in the second-level
/// cache for the next row, which needs most of it again, and so do their pages, where rows of different filters lie in
/// different ones. Columns that two edges of a short row compute cannot go on.
std::size_t filters_in_cache(const Extents& e) {
  constexpr std::size_t kCached = 96 * 1024 / sizeof(Vec), kPages = 16;
  if (e.covered_width() < 2 * kEdge) return e.filters;
  return even_part(e.filters, smaller(kCached / (e.window * e.columns), kPages));
}

/// One group.
void gather(const Extents& e, const Vec* d_out, const float* weights, Vec* d_in) {
  Extents part = e;
  const std::size_t step = filters_in_cache(e);
  for (std::size_t f = 0; f < e.filters; f += step) {
    part.filters = smaller(step, e.filters - f);
    gather_channels<kSums / kEdge>(part, e.channels, f > 0, d_out + f * e.rows * e.columns,
                                   weights + f * e.filter_weights(), d_in);
  }
}

void conv_backward_data(const Convolution& c, std::size_t groups, const float* d_output, const float* weights,
                        float* d_input, float*) {
  const Extents e(c);
  for (std::size_t g = 0; g < groups; ++g)
    gather(e, vectors(d_output) + g * e.outputs(), weights, vectors(d_input) + g * e.inputs());
}
