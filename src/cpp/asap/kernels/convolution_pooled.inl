// A convolution with its activation and max pooling over 2×2 squares. What a square needs is summed up in registers at
// the same time, so that the convolution's output, four times as large as the pooled one, is never written. Backwards
// it is the gradient of one group at a time, which stays in the cache.

constexpr std::size_t kSquare = 4;         // outputs of a square
constexpr std::int32_t kNobody = kSquare;  // the winner where the rectifier gives 0

typedef std::int16_t Winners __attribute__((vector_size(kLanes * sizeof(std::int16_t)), may_alias));

ASAP_INLINE const Winners* winner_vectors(const std::int16_t* winners) {
  return reinterpret_cast<const Winners*>(winners);
}
ASAP_INLINE Winners* winner_vectors(std::int16_t* winners) { return reinterpret_cast<Winners*>(winners); }

/// The part of the convolution that fills squares.
Extents in_squares(const Convolution& c) {
  return {c, (c.height - c.window + 1) / 2 * 2, (c.width - c.window + 1) / 2 * 2};
}

/// The largest of four outputs, and which of them it is.
struct Largest {
  Vec value;
  IntVec winner;
};

ASAP_INLINE Largest largest_of(Vec top_left, Vec top_right, Vec bottom_left, Vec bottom_right) {
  const Vec top = larger(top_right, top_left), bottom = larger(bottom_right, bottom_left);
  const IntVec in_top = top_right > top_left ? IntVec{} + 1 : IntVec{};
  const IntVec in_bottom = bottom_right > bottom_left ? IntVec{} + 3 : IntVec{} + 2;
  return {larger(bottom, top), bottom > top ? in_bottom : in_top};
}

ASAP_INLINE Largest rectified(Largest x) {
  return {larger(x.value, Vec{}), x.value > 0.0f ? x.winner : IntVec{} + kNobody};
}

/// Squares of one row whose sums fit beside those of `filters` filters.
constexpr std::size_t squares_beside(std::size_t filters) {
  const std::size_t fit = kSums / kSquare / filters;
  return fit < 3 ? fit : 3;
}

/// kFilters × kSquares squares, `tiles` times along a row of them. `out` and `winners` point to the first square.
template <std::size_t kFilters, std::size_t kSquares>
ASAP_TILE void convolve_squares(const Extents& e, std::size_t tiles, const Vec* in, const float* weights,
                                const float* bias, bool rectify, Vec* out, Winners* winners) {
  const std::size_t plane = e.rows / 2 * (e.columns / 2);
  for (; tiles > 0; --tiles, in += 2 * kSquares, out += kSquares, winners += kSquares) {
    Vec sums[kFilters][kSquare * kSquares];
    convolve<2>(e, in, weights, bias, sums);
    ASAP_UNROLL
    for (std::size_t f = 0; f < kFilters; ++f) {
      ASAP_UNROLL
      for (std::size_t x = 0; x < kSquares; ++x) {
        const Vec *top = sums[f] + 2 * x, *bottom = top + 2 * kSquares;
        Largest largest = largest_of(top[0], top[1], bottom[0], bottom[1]);
        if (rectify) largest = rectified(largest);
        out[f * plane + x] = largest.value;
        winners[f * plane + x] = __builtin_convertvector(largest.winner, Winners);
      }
    }
  }
}

/// One row of squares: kSquares at a time, then fewer.
template <std::size_t kFilters, std::size_t kSquares>
void convolve_row_of_squares(const Extents& e, std::size_t squares, const Vec* in, const float* weights,
                             const float* bias, bool rectify, Vec* out, Winners* winners) {
  const std::size_t tiles = tiles_of(kSquares, squares), done = tiles * kSquares;
  if (tiles > 0) convolve_squares<kFilters, kSquares>(e, tiles, in, weights, bias, rectify, out, winners);
  if constexpr (kSquares > 1)
    if (squares > done)
      convolve_row_of_squares<kFilters, kSquares - 1>(e, squares - done, in + 2 * done, weights, bias, rectify,
                                                      out + done, winners + done);
}

/// One group: kFilters filters at a time, then fewer, whose tiles make up for it with more squares.
template <std::size_t kFilters>
void convolve_and_pool(const Extents& e, std::size_t filters, const Vec* in, const float* weights, const float* bias,
                       bool rectify, Vec* out, Winners* winners) {
  const std::size_t rows = e.rows / 2, columns = e.columns / 2;
  for (; filters >= kFilters; filters -= kFilters) {
    for (std::size_t y = 0; y < rows; ++y)
      convolve_row_of_squares<kFilters, squares_beside(kFilters)>(e, columns, in + 2 * y * e.width, weights, bias,
                                                                  rectify, out + y * columns, winners + y * columns);
    weights += kFilters * e.filter_weights();
    if (bias) bias += kFilters;
    out += kFilters * rows * columns;
    winners += kFilters * rows * columns;
  }
  if constexpr (kFilters > 1)
    if (filters > 0) convolve_and_pool<kFilters - 1>(e, filters, in, weights, bias, rectify, out, winners);
}

void conv_pool_forward(const Convolution& c, std::size_t groups, const float* input, const float* weights,
                       const float* bias, Activation activation, float* output, std::int16_t* winners) {
  const Extents e = in_squares(c);
  const std::size_t squares = e.outputs() / kSquare;
  for (std::size_t g = 0; g < groups; ++g)
    convolve_and_pool<kSums / kSquare>(e, e.filters, vectors(input) + g * e.inputs(), weights, bias,
                                       activation == Activation::relu, vectors(output) + g * squares,
                                       winner_vectors(winners) + g * squares);
}

/// One group's gradient of the convolution's output: each square's goes to its winner, the others get 0. Adds the sum
/// of each filter's to its bias sum.
void spread_over_squares(const Extents& e, const Winners* winners, const Vec* d_pooled, Vec* d_out, Vec* bias_sums) {
  for (std::size_t f = 0; f < e.filters; ++f) {
    Vec sum{};
    for (std::size_t y = 0; y < e.rows; y += 2, d_out += 2 * e.columns)
      for (std::size_t x = 0; x < e.columns; x += 2) {
        const IntVec winner = __builtin_convertvector(*winners++, IntVec);
        const Vec d = *d_pooled++;
        d_out[x] = winner == 0 ? d : Vec{};
        d_out[x + 1] = winner == 1 ? d : Vec{};
        d_out[x + e.columns] = winner == 2 ? d : Vec{};
        d_out[x + e.columns + 1] = winner == 3 ? d : Vec{};
        sum += winner == kNobody ? Vec{} : d;
      }
    bias_sums[f] += sum;
  }
}

std::size_t conv_pool_backward_scratch(const Convolution& c) {
  return conv_backward_scratch(c) + in_squares(c).outputs() * kLanes;
}

void conv_pool_backward(const Convolution& c, std::size_t groups, const float* input, const std::int16_t* winners,
                        const float* d_output, const float* weights, Write write, float* d_weights, float* d_bias,
                        float* d_input, float* scratch) {
  const Extents e = in_squares(c);
  const std::size_t squares = e.outputs() / kSquare;
  const WeightSums sums(e, scratch);
  Vec* d_out = vectors(scratch + conv_backward_scratch(c));
  for (std::size_t g = 0; g < groups; ++g) {
    spread_over_squares(e, winner_vectors(winners) + g * squares, vectors(d_output) + g * squares, d_out, sums.bias);
    correlate(e, vectors(input) + g * e.inputs(), d_out, sums.weights);
    if (d_input) gather(e, d_out, weights, vectors(d_input) + g * e.inputs());
  }
  add_lanes(e, sums, write, d_weights, d_bias);
}
