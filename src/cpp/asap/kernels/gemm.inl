// Matrix products of dense layers.
//
// The product is made of tiles: kTileRows × 2 vectors of sums that stay in registers over the whole inner dimension,
// start from the bias and end with the rectifier, the mask or the sum with what c holds. Each step multiplies one
// broadcast element per row with a row of a *panel*, kPanel adjacent columns of the other operand. A panel is read in
// place where its rows are whole vectors, else packed into the scratch (transposed, or filled up). Rows are worked off
// in strips: a strip goes straight into c, or through a buffer when it still has to be cut to size or transposed.
//
// Orientation: usually the panels come from b. When b is stored transposed and there are few rows (d_input of a small
// batch), transposing all of b would cost as much as the product; then the panels come from a and cᵀ is computed.

#if defined(__AVX512F__)
constexpr std::size_t kTileRows = 12;
#elif defined(__aarch64__)
constexpr std::size_t kTileRows = 8;
#else
constexpr std::size_t kTileRows = 6;
#endif
constexpr std::size_t kNarrowTileRows = 12;  // of tiles one vector wide
constexpr std::size_t kPanel = 2 * kLanes;
constexpr std::size_t kStrip = 48;                             // rows; a multiple of every tile height and of kLanes
constexpr std::size_t kPackingRows = 96, kPackingDepth = 128;  // from here on a contiguous copy pays for itself

/// The operand whose elements are broadcast: element (row, p) is data[row·row_stride + p·step].
struct Factors {
  const float* data;
  std::size_t row_stride, step;
};

/// The operand whose rows are vectors: row p begins at data + p·stride.
struct Panel {
  const float* data;
  std::size_t stride;
};

// --- tiles

/// What becomes of the sums: c's element `at` is their rectified value, or 0 where mask[at] is not positive, or has
/// them added to it.
struct Ending {
  bool rectify, add;
  const float* mask;
  Ending from(std::size_t at) const { return {rectify, add, mask ? mask + at : nullptr}; }
};

/// What every row of sums starts from, kPanel floats, and how it ends.
struct Edges {
  const float* start;
  Ending ending;
};

Ending ending_of(const Gemm& g) { return {g.activation == Activation::relu, g.write == Write::add, g.mask}; }

ASAP_INLINE Vec masked(Vec sums, Vec mask) { return mask > 0.0f ? sums : Vec{}; }

/// c[at …] = `count` of the sums, ended.
ASAP_INLINE void end(Vec sums, const Ending& ending, std::size_t at, std::size_t count, float* c) {
  if (ending.rectify) sums = rectified(sums);
  if (ending.mask) sums = masked(sums, load_some(ending.mask + at, count));
  if (ending.add) sums += load_some(c + at, count);
  store_some(c + at, count, sums);
}

/// to[kRows][kVectors·kLanes] = factors · panel, between the edges.
template <std::size_t kRows, std::size_t kVectors>
ASAP_TILE void multiply_tile(std::size_t k, Factors x, Panel panel, Edges edges, float* to, std::size_t to_stride) {
  Vec sums[kRows][kVectors];
  ASAP_UNROLL
  for (std::size_t i = 0; i < kRows; ++i) {
    ASAP_UNROLL
    for (std::size_t j = 0; j < kVectors; ++j) sums[i][j] = load(edges.start + j * kLanes);
  }
  for (std::size_t p = 0; p < k; ++p) {
    Vec row[kVectors];
    ASAP_UNROLL
    for (std::size_t j = 0; j < kVectors; ++j) row[j] = load(panel.data + j * kLanes);
    ASAP_UNROLL
    for (std::size_t i = 0; i < kRows; ++i) {
      const float factor = x.data[i * x.row_stride];
      ASAP_UNROLL
      for (std::size_t j = 0; j < kVectors; ++j) sums[i][j] += factor * row[j];
    }
    x.data += x.step;
    panel.data += panel.stride;
  }
  const auto for_each_sum = [&](auto change) __attribute__((always_inline)) {
    ASAP_UNROLL
    for (std::size_t i = 0; i < kRows; ++i) {
      ASAP_UNROLL
      for (std::size_t j = 0; j < kVectors; ++j) change(sums[i][j], i * to_stride + j * kLanes);
    }
  };
  const auto [rectify, add, mask] = edges.ending;
  if (rectify) for_each_sum([](Vec& sum, std::size_t) { sum = rectified(sum); });
  if (mask) for_each_sum([mask](Vec& sum, std::size_t at) { sum = masked(sum, load(mask + at)); });
  if (add) for_each_sum([to](Vec& sum, std::size_t at) { sum += load(to + at); });
  for_each_sum([to](Vec& sum, std::size_t at) { store(to + at, sum); });
}

/// As many tiles of kRows rows as fit, then lower ones.
template <std::size_t kRows, std::size_t kVectors>
void multiply_rows(std::size_t rows, std::size_t k, Factors x, Panel panel, Edges edges, float* to,
                   std::size_t to_stride) {
  for (; rows >= kRows; rows -= kRows, x.data += kRows * x.row_stride, to += kRows * to_stride) {
    multiply_tile<kRows, kVectors>(k, x, panel, edges, to, to_stride);
    edges.ending = edges.ending.from(kRows * to_stride);
  }
  constexpr std::size_t kLower = kRows > 8 ? 8 : kRows > 4 ? 4 : kRows / 2;
  if constexpr (kLower > 0)
    if (rows > 0) multiply_rows<kLower, kVectors>(rows, k, x, panel, edges, to, to_stride);
}

void multiply_strip(std::size_t rows, std::size_t width, std::size_t k, Factors x, Panel panel, Edges edges, float* to,
                    std::size_t to_stride) {
  if (width > kLanes)
    multiply_rows<kTileRows, 2>(rows, k, x, panel, edges, to, to_stride);
  else
    multiply_rows<kNarrowTileRows, 1>(rows, k, x, panel, edges, to, to_stride);
}

// --- panels
//
// What fills a packed panel up to whole vectors is whatever lies behind its columns (inside the array): those lanes are
// cut off at the end.

/// packed[k][stride] = columns `first` … `first` + stride of from[k][columns].
void pack(std::size_t k, std::size_t columns, const float* from, std::size_t first, float* packed, std::size_t stride) {
  for (std::size_t p = 0; p < k; ++p)
    for (std::size_t j = 0; j < stride; j += kLanes)
      store(packed + p * stride + j, load_within(from, k * columns, p * columns + first + j));
}

/// packed[k][stride] = rows `first` … `first` + stride of from[columns][k], transposed.
void pack_transposed(std::size_t k, std::size_t columns, const float* from, std::size_t first, float* packed,
                     std::size_t stride) {
  for (std::size_t j = 0; j < stride; j += kLanes)
    for (std::size_t p = 0; p < k; p += kLanes) {
      Vec block[kLanes];
      load_block(from, columns * k, (first + j) * k + p, k, block);
      transpose(block);
      store_block(block, k - p, kLanes, packed + p * stride + j, stride);
    }
}

/// The operand that is cut into panels: [k][columns], or [columns][k] when transposed.
struct PanelSource {
  const float* data;
  bool transposed;
  std::size_t columns;
};

/// Whether the panel at `first` can stay where it is, and `rows` × k are too few for a contiguous copy to pay for
/// itself.
bool stays_in_place(const PanelSource& source, std::size_t first, std::size_t k, std::size_t rows) {
  const bool whole = source.columns - first >= kPanel || source.columns - first == kLanes;
  return whole && !source.transposed && (rows < kPackingRows || k < kPackingDepth);
}

/// The panel that begins with column `first` of the source.
Panel panel_at(const PanelSource& source, std::size_t first, std::size_t k, std::size_t rows, float* scratch) {
  if (stays_in_place(source, first, k, rows)) return {source.data + first, source.columns};
  const std::size_t stride = source.columns - first > kLanes ? kPanel : kLanes;
  (source.transposed ? pack_transposed : pack)(k, source.columns, source.data, first, scratch, stride);
  return {scratch, stride};
}

// --- strips

/// c[rows][width] = strip[rows][kPanel], ended.
void cut_strip(std::size_t rows, std::size_t width, const float* strip, Ending ending, float* c, std::size_t stride) {
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < width; j += kLanes)
      end(load(strip + i * kPanel + j), ending, i * stride + j, smaller(kLanes, width - j), c);
}

/// c[row …][column …] = strip[width][kPanel]ᵀ + bias, ended.
void transpose_strip(const Gemm& g, std::size_t row, std::size_t rows, std::size_t column, std::size_t width,
                     const float* strip) {
  const Ending ending = ending_of(g);
  for (std::size_t j = 0; j < width; j += kLanes) {
    const std::size_t count = smaller(kLanes, width - j);
    const Vec bias = g.bias ? load_some(g.bias + column + j, count) : Vec{};
    for (std::size_t i = 0; i < rows; i += kLanes) {
      Vec block[kLanes];
      load_block(strip, width * kPanel, j * kPanel + i, kPanel, block);
      transpose(block);
      for (std::size_t q = 0; q < smaller(kLanes, rows - i); ++q)
        end(block[q] + bias, ending, (row + i + q) * g.n + column + j, count, g.c);
    }
  }
}

// --- the two orientations

bool panels_from_a(const Gemm& g) { return g.transpose_b && g.m * (g.n + (g.transpose_a ? 0 : g.k)) < g.n * g.k; }

/// Rows row … row + kStrip of one panel's columns.
void multiply_into_c(const Gemm& g, Panel panel, const float* start, std::size_t row, std::size_t column) {
  const std::size_t rows = smaller(kStrip, g.m - row), width = smaller(kPanel, g.n - column);
  const Factors x{g.a + row * (g.transpose_a ? 1 : g.k), g.transpose_a ? 1 : g.k, g.transpose_a ? g.m : 1};
  const std::size_t at = row * g.n + column;
  const Ending ending = ending_of(g).from(at);
  if (width % kLanes == 0) return multiply_strip(rows, width, g.k, x, panel, {start, ending}, g.c + at, g.n);
  alignas(64) float strip[kStrip * kPanel];
  multiply_strip(rows, width, g.k, x, panel, {start, {}}, strip, kPanel);
  cut_strip(rows, width, strip, ending, g.c + at, g.n);
}

/// The bias of one panel's columns, or zeros.
void start_of(const Gemm& g, std::size_t column, float (&start)[kPanel]) {
  for (std::size_t j = 0; j < kPanel; j += kLanes)
    store(start + j, g.bias ? load_within(g.bias, g.n, column + j) : Vec{});
}

void gemm_by_rows(const Gemm& g) {
  const PanelSource b{g.b, g.transpose_b, g.n};
  alignas(64) float start[kPanel];
  for (std::size_t column = 0; column < g.n; column += kPanel) {
    const Panel panel = panel_at(b, column, g.k, g.m, g.scratch);
    start_of(g, column, start);
    for (std::size_t row = 0; row < g.m; row += kStrip) multiply_into_c(g, panel, start, row, column);
  }
}

void gemm_by_columns(const Gemm& g) {
  const Factors b{g.b, g.k, 1};
  const PanelSource a{g.a, !g.transpose_a, g.m};
  alignas(64) float strip[kStrip * kPanel];
  alignas(64) constexpr float kZeros[kPanel] = {};
  for (std::size_t row = 0; row < g.m; row += kPanel) {
    const std::size_t rows = smaller(kPanel, g.m - row);
    const Panel panel = panel_at(a, row, g.k, g.n, g.scratch);
    for (std::size_t column = 0; column < g.n; column += kStrip) {
      const std::size_t width = smaller(kStrip, g.n - column);
      const Factors x{b.data + column * b.row_stride, b.row_stride, b.step};
      multiply_strip(width, rows, g.k, x, panel, {kZeros, {}}, strip, kPanel);
      transpose_strip(g, row, rows, column, width, strip);
    }
  }
}

std::size_t gemm_scratch(const Gemm& g) { return g.k * kPanel; }

void gemm(const Gemm& g) {
  if (panels_from_a(g))
    gemm_by_columns(g);
  else
    gemm_by_rows(g);
  if (g.activation == Activation::tanh) activate(Activation::tanh, g.m * g.n, g.c, g.c);
}
