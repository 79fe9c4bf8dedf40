// The gradient of a convolution in the lanes layout by its weights and bias: every weight's sum over samples, rows and
// columns is one vector, whose lanes are added at the very end.

/// Filters whose sums fit beside each other when each has `taps` of them.
constexpr std::size_t filters_beside(std::size_t taps) { return kSums / taps < 6 ? kSums / taps : 6; }

/// Output rows that are worked off together, for `filters` filters: what their gradients take in the first cache is
/// read once for every weight.
std::size_t rows_in_cache(const Extents& e, std::size_t filters) {
  constexpr std::size_t kCached = 20 * 1024 / sizeof(Vec);
  return even_part(e.rows, kCached / (filters * e.columns));
}

/// d_weights[f][t] += Σ d_output[f]·input shifted by t, for kTaps adjacent weights of each of kFilters filters, over
/// some rows of the output.
template <std::size_t kTaps, std::size_t kFilters>
ASAP_TILE void correlate_tile(const Extents& e, std::size_t rows, const Vec* in, const Vec* d_out, Vec* d_weights) {
  const std::size_t plane = e.rows * e.columns, filter_weights = e.filter_weights();
  Vec sums[kFilters][kTaps] = {};
  for (; rows > 0; --rows, in += e.width, d_out += e.columns)
    for (std::size_t x = 0; x < e.columns; ++x) {
      const Vec* column = hidden(in + x);
      ASAP_UNROLL
      for (std::size_t f = 0; f < kFilters; ++f) {
        const Vec d = loaded(d_out[f * plane + x]);
        ASAP_UNROLL
        for (std::size_t t = 0; t < kTaps; ++t) sums[f][t] += d * column[t];
      }
    }
  ASAP_UNROLL
  for (std::size_t f = 0; f < kFilters; ++f) {
    ASAP_UNROLL
    for (std::size_t t = 0; t < kTaps; ++t) d_weights[f * filter_weights + t] += sums[f][t];
  }
}

/// kTaps weights of every row of every filter: kFilters filters at a time, then fewer.
template <std::size_t kTaps, std::size_t kFilters>
void correlate_filters(const Extents& e, std::size_t filters, const Vec* in, const Vec* d_out, Vec* d_weights) {
  const std::size_t step = rows_in_cache(e, kFilters), done = tiles_of(kFilters, filters) * kFilters;
  for (std::size_t f = 0; f < done; f += kFilters) {
    for (std::size_t y = 0; y < e.rows; y += step)
      for (std::size_t channel = 0; channel < e.channels; ++channel)
        for (std::size_t ky = 0; ky < e.window; ++ky)
          correlate_tile<kTaps, kFilters>(e, smaller(step, e.rows - y), in + (channel * e.height + y + ky) * e.width,
                                          d_out + y * e.columns, d_weights + (channel * e.window + ky) * e.window);
    d_out += kFilters * e.rows * e.columns;
    d_weights += kFilters * e.filter_weights();
  }
  if constexpr (kFilters > 1)
    if (filters > done) correlate_filters<kTaps, kFilters - 1>(e, filters - done, in, d_out, d_weights);
}

/// One group: kTaps weights of a row at a time, then fewer.
template <std::size_t kTaps>
void correlate_taps(const Extents& e, std::size_t taps, const Vec* in, const Vec* d_out, Vec* d_weights) {
  const std::size_t done = tiles_of(kTaps, taps) * kTaps;
  for (std::size_t t = 0; t < done; t += kTaps)
    correlate_filters<kTaps, filters_beside(kTaps)>(e, e.filters, in + t, d_out, d_weights + t);
  if constexpr (kTaps > 1)
    if (taps > done) correlate_taps<kTaps - 1>(e, taps - done, in + done, d_out, d_weights + done);
}

void correlate(const Extents& e, const Vec* in, const Vec* d_out, Vec* d_weights) {
  correlate_taps<5>(e, e.window, in, d_out, d_weights);
}

/// Σ x[i], in four chains that do not wait for each other.
Vec sum_of(std::size_t n, const Vec* x) {
  Vec sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    ASAP_UNROLL
    for (std::size_t j = 0; j < 4; ++j) sums[j] += x[i + j];
  }
  for (; i < n; ++i) sums[0] += x[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// The sums' place in the scratch.
struct WeightSums {
  WeightSums(const Extents& e, float* scratch)
      : num_weights(e.filters * e.filter_weights()), weights(vectors(scratch)), bias(weights + num_weights) {
    for (std::size_t i = 0; i < num_weights + e.filters; ++i) weights[i] = Vec{};
  }
  std::size_t num_weights;
  Vec *weights, *bias;
};

void add_lanes(const Extents& e, const WeightSums& sums, Write write, float* d_weights, float* d_bias) {
  add_lanes(sums.num_weights, floats(sums.weights), write, d_weights);
  add_lanes(e.filters, floats(sums.bias), write, d_bias);
}

std::size_t conv_backward_scratch(const Convolution& c) { return (c.weights() + c.filters) * kLanes; }

void conv_backward_weights(const Convolution& c, std::size_t groups, const float* input, const float* d_output,
                           Write write, float* d_weights, float* d_bias, float* scratch) {
  const Extents e(c);
  const WeightSums sums(e, scratch);
  const std::size_t plane = e.rows * e.columns;
  for (std::size_t g = 0; g < groups; ++g) {
    const Vec* d_out = vectors(d_output) + g * e.outputs();
    correlate(e, vectors(input) + g * e.inputs(), d_out, sums.weights);
    for (std::size_t f = 0; f < e.filters; ++f) sums.bias[f] += sum_of(plane, d_out + f * plane);
  }
  add_lanes(e, sums, write, d_weights, d_bias);
}
