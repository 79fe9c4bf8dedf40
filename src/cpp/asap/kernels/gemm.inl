// Matrix products of dense layers, in one of two orientations.
//
// By rows: the panels are columns of b, the vectors run along the rows of c. By columns: the panels are rows of a, cᵀ
// is computed in strips and transposed at the end. An operand that is not stored the way its panels need it is
// transposed into the scratch, panel by panel. The cheaper orientation is taken: for a narrow c the second fills its
// vectors better, and with few rows it has less to transpose when b is stored transposed.

constexpr std::size_t kBlock = 48;  // rows of c that stay in the cache while the panels come in turn; 48 = 4·12 = 3·16

Ending ending_at(const Gemm& g, std::size_t at) {
  return {g.activation == Activation::relu, g.write == Write::add, g.mask ? g.mask + at : nullptr};
}

// --- by rows

/// The bias of one panel's columns, or zeros.
void start_of(const Gemm& g, std::size_t column, std::size_t vectors, float* start) {
  for (std::size_t j = 0; j < vectors * kLanes; j += kLanes)
    store(start + j, g.bias ? load_within(g.bias, g.n, column + j) : Vec{});
}

/// Rows `row` … `row` + `rows` of c.
void gemm_by_rows(const Gemm& g, const PanelSource& b, std::size_t row, std::size_t rows) {
  const Factors a{g.a, g.transpose_a ? 1 : g.k, g.transpose_a ? g.m : 1};
  alignas(64) float start[kWidest * kLanes], last[kWidest * kLanes];
  for (std::size_t column = 0, vectors = 0; column < g.n; column += vectors * kLanes) {
    vectors = panel_vectors(b, rows, g.n - column);
    start_of(g, column, vectors, start);
    const Panel panel = panel_at(b, column, vectors, g.k, g.scratch, last);
    const std::size_t at = row * g.n + column, width = smaller(vectors * kLanes, g.n - column);
    multiply_strip(rows, vectors, {g.k, a.from(row), panel, start, ending_at(g, at), g.c + at, g.n, width});
  }
}

void gemm_by_rows(const Gemm& g) {
  const PanelSource b(g.b, g.transpose_b, g.n, g.m);
  const std::size_t block = b.in_place ? kBlock : g.m;  // nothing is packed twice
  for (std::size_t row = 0; row < g.m; row += block) gemm_by_rows(g, b, row, smaller(block, g.m - row));
}

// --- by columns

/// c[row …][column …] = strip[width][stride]ᵀ + bias, ended.
void transpose_strip(const Gemm& g, std::size_t row, std::size_t rows, std::size_t column, std::size_t width,
                     const float* strip, std::size_t stride) {
  const Ending ending = ending_at(g, 0);
  for (std::size_t j = 0; j < width; j += kLanes) {
    const std::size_t count = smaller(kLanes, width - j);
    const Vec bias = g.bias ? load_some(g.bias + column + j, count) : Vec{};
    for (std::size_t i = 0; i < rows; i += kLanes) {
      Vec block[kLanes];
      load_block(strip, width * stride, j * stride + i, stride, block);
      transpose(block);
      for (std::size_t q = 0; q < smaller(kLanes, rows - i); ++q)
        end(block[q] + bias, ending, (row + i + q) * g.n + column + j, count, g.c);
    }
  }
}

void gemm_by_columns(const Gemm& g) {
  const Factors b{g.b, g.transpose_b ? g.k : 1, g.transpose_b ? 1 : g.n};
  const PanelSource a(g.a, !g.transpose_a, g.m, g.n);
  alignas(64) float strip[kBlock * kWidestPacked * kLanes], last[kWidestPacked * kLanes];
  alignas(64) constexpr float kZeros[kWidestPacked * kLanes] = {};
  for (std::size_t row = 0, vectors = 0; row < g.m; row += vectors * kLanes) {
    vectors = g.m - row > kLanes ? 2 : 1;
    const Panel panel = panel_at(a, row, vectors, g.k, g.scratch, last);
    const std::size_t stride = vectors * kLanes, rows = smaller(stride, g.m - row);
    for (std::size_t column = 0; column < g.n; column += kBlock) {
      const std::size_t width = smaller(kBlock, g.n - column);
      multiply_strip(width, vectors, {g.k, b.from(column), panel, kZeros, {}, strip, stride, stride});
      transpose_strip(g, row, rows, column, width, strip, stride);
    }
  }
}

// --- the choice

/// Whether to go by columns, by a count of instructions per vector: the multiplications and what is transposed.
bool goes_by_columns(const Gemm& g) {
  constexpr std::size_t kTransposing = 5;
  const std::size_t m = vectors_of(g.m), n = vectors_of(g.n);
  const std::size_t rows = g.k * n * (g.m + (g.transpose_b ? kTransposing : 0));
  const std::size_t columns = m * (g.k * (g.n + (g.transpose_a ? 0 : kTransposing)) + kTransposing * g.n);
  return columns < rows;
}

std::size_t gemm_scratch(const Gemm& g) { return g.k * kWidestPacked * kLanes; }

void gemm(const Gemm& g) {
  if (goes_by_columns(g))
    gemm_by_columns(g);
  else
    gemm_by_rows(g);
  if (g.activation == Activation::tanh) activate(Activation::tanh, g.m * g.n, g.c, g.c);
}
