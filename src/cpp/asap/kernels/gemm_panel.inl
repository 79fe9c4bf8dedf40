// Panels of a matrix product: the operand whose rows are vectors, cut into groups of adjacent columns.

constexpr std::size_t kWidest = 8, kWidestPacked = 2;  // vectors of a panel

std::size_t vectors_of(std::size_t floats) { return (floats + kLanes - 1) / kLanes; }

// Rows this far apart, or a multiple of it, share a few sets of the first-level cache, which cannot hold a panel made
// of them. From so many rows of the other operand on, a copy of the panel pays for itself.
constexpr std::size_t kAliasing = 2048 / sizeof(float), kPackingRows = 192;

/// The operand that is cut into panels: [k][columns], or [columns][k] when transposed. Where panels are read where they
/// lie, no row but the last shows elements behind the array.
struct PanelSource {
  const float* data;
  bool transposed;
  std::size_t columns;
  bool in_place;
  PanelSource(const float* array, bool is_transposed, std::size_t n, std::size_t rows)
      : data(array),
        transposed(is_transposed),
        columns(n),
        in_place(!transposed && n >= kLanes && (n % kAliasing != 0 || rows < kPackingRows)) {}
};

/// How many vectors wide the next panel is best, where tiles of `rows` rows and `columns` columns are left: of few rows
/// only many columns make enough sums that do not wait for each other.
std::size_t panel_vectors(const PanelSource& source, std::size_t rows, std::size_t columns) {
  if (columns < 2 * kLanes) return vectors_of(columns);
  std::size_t vectors = source.in_place ? kWidest : kWidestPacked;
  while (vectors > 2 && (tile_rows(vectors) < rows || vectors * kLanes > columns)) vectors /= 2;
  return vectors;
}

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

// Operands that are larger come from farther than the second-level cache.
constexpr std::size_t kCachedFloats = 512 * 1024 / sizeof(float);

/// The panel of `vectors` vectors that begins with column `first`; `last` has room for its last row.
Panel panel_at(const PanelSource& source, std::size_t first, std::size_t vectors, std::size_t k, float* scratch,
               float* last) {
  const std::size_t width = vectors * kLanes;
  if (k == 0) return {scratch, 0, scratch, 0};
  if (source.in_place) {
    const std::size_t at = (k - 1) * source.columns + first, size = k * source.columns,
                      ahead = size > kCachedFloats ? width : 0;
    if (at + width <= size) return {source.data + first, source.columns, source.data + at, ahead};
    for (std::size_t j = 0; j < width; j += kLanes) store(last + j, load_within(source.data, size, at + j));
    return {source.data + first, source.columns, last, ahead};
  }
  (source.transposed ? pack_transposed : pack)(k, source.columns, source.data, first, scratch, width);
  return {scratch, width, scratch + (k - 1) * width, 0};
}
