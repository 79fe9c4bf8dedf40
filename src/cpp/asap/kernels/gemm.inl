// Matrix products of dense layers, in one of two orientations.
//
// By rows: the panels are columns of b, the vectors run along the rows of c. By columns: the panels are rows of a, cᵀ
// is computed in strips and transposed at the end. An operand that is not stored the way its panels need it is
// transposed into the scratch, panel by panel. The cheaper orientation is taken: for a narrow c the second fills its
// vectors better, and with few rows it has less to transpose when b is stored transposed. Or both are: the first for
// the columns that fill vectors, the second for the few behind them.

constexpr std::size_t kTile = 12, kBlock = 4 * kTile;  // rows of c that stay in the cache while the panels come in turn

/// Blocks of whole tiles and about the same height: for a low one the other operand would be read almost in vain.
std::size_t block_rows(std::size_t rows) { return (even_part(rows, kBlock) + kTile - 1) / kTile * kTile; }

Ending ending_at(const Gemm& g, std::size_t at) {
  return {g.activation == Activation::relu, g.write == Write::add, g.mask ? g.mask + at : nullptr};
}

// --- by rows

/// The bias of one panel's columns, or zeros.
void start_of(const Gemm& g, std::size_t column, std::size_t vectors, float* start) {
  for (std::size_t j = 0; j < vectors * kLanes; j += kLanes)
    store(start + j, g.bias ? load_within(g.bias, g.n, column + j) : Vec{});
}

/// Rows `row` … `row` + `rows` of c, the first `columns` columns.
void gemm_by_rows(const Gemm& g, const PanelSource& b, std::size_t columns, std::size_t row, std::size_t rows) {
  const Factors a{g.a, g.transpose_a ? 1 : g.k, g.transpose_a ? g.m : 1};
  alignas(64) float start[kWidest * kLanes], last[kWidest * kLanes];
  for (std::size_t column = 0, vectors = 0; column < columns; column += vectors * kLanes) {
    vectors = panel_vectors(b, rows, columns - column);
    start_of(g, column, vectors, start);
    const Panel panel = panel_at(b, column, vectors, g.k, g.scratch, last);
    const std::size_t at = row * g.n + column, width = smaller(vectors * kLanes, columns - column);
    multiply_strip(rows, vectors, {g.k, a.from(row), panel, start, ending_at(g, at), g.c + at, g.n, width});
  }
}

/// The first `columns` columns of c.
void gemm_by_rows(const Gemm& g, std::size_t columns) {
  const PanelSource b(g.b, g.transpose_b, g.n, g.m);
  const std::size_t block = b.in_place ? block_rows(g.m) : g.m;  // nothing is packed twice
  for (std::size_t row = 0; row < g.m; row += block) gemm_by_rows(g, b, columns, row, smaller(block, g.m - row));
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

/// The columns of c from `first` on.
void gemm_by_columns(const Gemm& g, std::size_t first) {
  const Factors b{g.b, g.transpose_b ? g.k : 1, g.transpose_b ? 1 : g.n};
  const PanelSource a(g.a, !g.transpose_a, g.m, g.n);
  alignas(64) float strip[kBlock * kWidestPacked * kLanes], last[kWidestPacked * kLanes];
  alignas(64) constexpr float kZeros[kWidestPacked * kLanes] = {};
  for (std::size_t row = 0, vectors = 0; row < g.m; row += vectors * kLanes) {
    vectors = g.m - row > kLanes ? 2 : 1;
    const Panel panel = panel_at(a, row, vectors, g.k, g.scratch, last);
    const std::size_t stride = vectors * kLanes, rows = smaller(stride, g.m - row);
    for (std::size_t column = first; column < g.n; column += kBlock) {
      const std::size_t width = smaller(kBlock, g.n - column);
      multiply_strip(width, vectors, {g.k, b.from(column), panel, kZeros, {}, strip, stride, stride});
      transpose_strip(g, row, rows, column, width, strip, stride);
    }
  }
}

// --- the choice

/// How many of c's columns go by rows, the others going by columns: all, none, or as many as fill whole vectors,
/// whichever takes the fewest instructions per vector for the multiplications and what is transposed. Less than
/// four columns take as long as four: each of their sums waits for the one before.
std::size_t columns_by_rows(const Gemm& g) {
  constexpr std::size_t kTransposing = 5, kFewest = 4;
  const auto by_rows = [&g](std::size_t columns) {
    return g.k * vectors_of(columns) * (g.m + (g.transpose_b ? kTransposing : 0));
  };
  const auto by_columns = [&g](std::size_t columns) {
    return vectors_of(g.m) *
           (g.k * (larger(columns, kFewest) + (g.transpose_a ? 0 : kTransposing)) + kTransposing * columns);
  };
  const std::size_t rest = g.n % kLanes, all = by_rows(g.n), none = by_columns(g.n);
  if (rest > 0 && by_rows(g.n - rest) + by_columns(rest) < smaller(all, none)) return g.n - rest;
  return none < all ? 0 : g.n;
}

std::size_t gemm_scratch(const Gemm& g) { return g.k * kWidestPacked * kLanes; }

void gemm(const Gemm& g) {
  const std::size_t columns = columns_by_rows(g);
  if (columns > 0) gemm_by_rows(g, columns);
  if (columns < g.n) gemm_by_columns(g, columns);
  if (g.activation == Activation::tanh) activate(Activation::tanh, g.m * g.n, g.c, g.c);
}
