// Tiles of a matrix product: a few rows × a few vectors of sums that stay in registers over the whole inner dimension.
// Each step multiplies one broadcast element per row with a row of a *panel*, adjacent columns of the other operand.

/// The operand whose elements are broadcast: element (row, p) is data[row·row_stride + p·step].
struct Factors {
  const float* data;
  std::size_t row_stride, step;
  Factors from(std::size_t row) const { return {data + row * row_stride, row_stride, step}; }
};

/// The operand whose rows are vectors: row p begins at data + p·stride, only the last one at `last`. So a panel can be
/// read where it lies: what its rows show of the columns behind it is cut off at the end, and only behind its last row
/// the array may end. Unless `ahead` is 0, the panel that far ahead is fetched meanwhile: pieces of rows that lie far
/// apart are nothing a processor foresees.
struct Panel {
  const float* data;
  std::size_t stride;
  const float* last;
  std::size_t ahead;
};

/// What becomes of the sums: c's element is their rectified value, or 0 where the mask's is not positive, or has them
/// added to it. `mask` may be nullptr.
struct Ending {
  bool rectify = false, add = false;
  const float* mask = nullptr;
};

/// Rows of a product: factors × panel, k steps, into `width` columns of c. The sums begin with the vectors at `start`.
struct Strip {
  std::size_t k;
  Factors x;
  Panel panel;
  const float* start;
  Ending ending;
  float* c;
  std::size_t stride, width;

  ASAP_INLINE void advance(std::size_t rows) {
    panel.ahead = 0;  // the first tile has fetched all of it
    x.data = hidden(x.data + rows * x.row_stride);
    c = hidden(c + rows * stride);
    if (ending.mask) ending.mask = hidden(ending.mask + rows * stride);
  }
};

ASAP_INLINE Vec masked(Vec sums, Vec mask) { return mask > 0.0f ? sums : Vec{}; }

/// c[at …] = `count` of the sums, ended.
ASAP_INLINE void end(Vec sums, const Ending& ending, std::size_t at, std::size_t count, float* c) {
  if (ending.rectify) sums = rectified(sums);
  if (ending.mask) sums = masked(sums, load_some(ending.mask + at, count));
  if (ending.add) sums += load_some(c + at, count);
  store_some(c + at, count, sums);
}

/// Ends the rows of `width` sums at `sums`, `distance` floats apart.
ASAP_TILE void end_rows(std::size_t rows, const float* sums, std::size_t distance, const Strip& s) {
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < s.width; j += kLanes)
      end(load(sums + i * distance + j), s.ending, i * s.stride + j, smaller(kLanes, s.width - j), s.c);
}

/// The highest tile: what is left of the registers holds the operands. Loads limit one that is only a vector wide.
constexpr std::size_t tile_rows(std::size_t vectors) {
  const std::size_t sums = kRegisters / 4 * 3;
  return sums / vectors < 12 ? sums / vectors : 12;
}

template <std::size_t kRows, std::size_t kVectors>
using Sums = Vec[kRows][kVectors];

/// The factors of a tile's rows at one step. Three rows share a pointer: that many an address can reach with one
/// stride.
template <std::size_t kRows>
struct FactorRows {
  static constexpr std::size_t kShare = 3, kPointers = (kRows + kShare - 1) / kShare;
  const float* rows[kPointers];
  std::size_t stride;

  ASAP_INLINE FactorRows(const float* first, std::size_t row_stride) : stride(row_stride) {
    ASAP_UNROLL
    for (std::size_t i = 0; i < kPointers; ++i) rows[i] = hidden(first + i * kShare * stride);
  }
  ASAP_INLINE float operator[](std::size_t i) const { return rows[i / kShare][i % kShare * stride]; }
  ASAP_INLINE void advance(std::size_t step) {
    ASAP_UNROLL
    for (std::size_t i = 0; i < kPointers; ++i) rows[i] = hidden(rows[i] + step);
  }
};

/// Fetches a row of a panel. Line by line, by the last of its elements, since lines need not begin where panels do.
/// Wide panels need none, and low tiles have no time to spare.
template <std::size_t kRows, std::size_t kVectors>
ASAP_INLINE void fetch(const float* row) {
  constexpr std::size_t kLine = 64 / sizeof(float);
  if constexpr (kVectors <= 2 && kRows >= 4) {
    ASAP_UNROLL
    for (std::size_t j = 0; j < kVectors * kLanes; j += kLine) __builtin_prefetch(row + j + kLine - 1, 0, 2);
  }
}

/// sums += factors · row, with the fewer of the two operands kept in registers.
template <std::size_t kRows, std::size_t kVectors>
ASAP_INLINE void multiply_step(const FactorRows<kRows>& x, const float* row, Sums<kRows, kVectors>& sums) {
  if constexpr (kVectors <= kRows) {
    Vec vectors[kVectors];
    ASAP_UNROLL
    for (std::size_t j = 0; j < kVectors; ++j) vectors[j] = load(row + j * kLanes);
    ASAP_UNROLL
    for (std::size_t i = 0; i < kRows; ++i) {
      const float factor = x[i];
      ASAP_UNROLL
      for (std::size_t j = 0; j < kVectors; ++j) sums[i][j] += factor * vectors[j];
    }
  } else {
    Vec factors[kRows];
    ASAP_UNROLL
    for (std::size_t i = 0; i < kRows; ++i) factors[i] = broadcast(x[i]);
    ASAP_UNROLL
    for (std::size_t j = 0; j < kVectors; ++j) {
      const Vec vector = load(row + j * kLanes);
      ASAP_UNROLL
      for (std::size_t i = 0; i < kRows; ++i) sums[i][j] += factors[i] * vector;
    }
  }
}

/// change(sum, its place in c) for all sums.
template <std::size_t kRows, std::size_t kVectors, class Float, class Change>
ASAP_INLINE void for_each(Sums<kRows, kVectors>& sums, Float* c, std::size_t stride, Change change) {
  ASAP_UNROLL
  for (std::size_t i = 0; i < kRows; ++i) {
    ASAP_UNROLL
    for (std::size_t j = 0; j < kVectors; ++j) change(sums[i][j], c + j * kLanes);
    c = hidden(c + stride);
  }
}

/// Ends whole vectors, one kind of ending after the other.
template <std::size_t kRows, std::size_t kVectors>
ASAP_INLINE void end_whole(Sums<kRows, kVectors>& sums, const Strip& s) {
  const auto [rectify, add, mask] = s.ending;
  if (rectify) for_each<kRows, kVectors>(sums, s.c, 0, [](Vec& sum, const float*) { sum = rectified(sum); });
  if (mask)
    for_each<kRows, kVectors>(sums, mask, s.stride, [](Vec& sum, const float* at) { sum = masked(sum, load(at)); });
  if (add) for_each<kRows, kVectors>(sums, s.c, s.stride, [](Vec& sum, const float* at) { sum += load(at); });
  for_each<kRows, kVectors>(sums, s.c, s.stride, [](Vec& sum, float* at) { store(at, sum); });
}

/// The same where the last vector is not whole.
template <std::size_t kRows, std::size_t kVectors>
ASAP_INLINE void end_ragged(Sums<kRows, kVectors>& sums, const Strip& s) {
  alignas(Vec) float rows[kRows][kVectors * kLanes];
  ASAP_UNROLL
  for (std::size_t i = 0; i < kRows; ++i) {
    ASAP_UNROLL
    for (std::size_t j = 0; j < kVectors; ++j) store(rows[i] + j * kLanes, sums[i][j]);
  }
  end_rows(kRows, rows[0], kVectors * kLanes, s);
}

/// `count` tiles of kRows × kVectors, one below the other.
///
/// What is not needed in the inner loop is read from memory after it: GCC would otherwise keep it in vector registers,
/// and reading it back waits for all multiplications before, so that a tile could not begin before the last one ends.
template <std::size_t kRows, std::size_t kVectors>
ASAP_TILE void multiply_tiles(std::size_t count, Strip& strip) {
  for (Strip* s = &strip; count > 0; --count) {
    s = hidden(s);
    Sums<kRows, kVectors> sums;
    ASAP_UNROLL
    for (std::size_t i = 0; i < kRows; ++i) {
      ASAP_UNROLL
      for (std::size_t j = 0; j < kVectors; ++j) sums[i][j] = load(s->start + j * kLanes);
    }
    FactorRows<kRows> x(s->x.data, s->x.row_stride);
    const float* row = s->panel.data;
    const std::size_t step = s->x.step, stride = s->panel.stride, ahead = s->panel.ahead;
    for (std::size_t p = s->k; p > 1; --p, x.advance(step), row = hidden(row + stride)) {
      if (ahead > 0) fetch<kRows, kVectors>(row + ahead);
      multiply_step<kRows, kVectors>(x, row, sums);
    }
    s = hidden(s);
    if (s->k > 0) multiply_step<kRows, kVectors>(x, s->panel.last, sums);
    if (s->width == kVectors * kLanes)
      end_whole<kRows, kVectors>(sums, *s);
    else
      end_ragged<kRows, kVectors>(sums, *s);
    s->advance(kRows);
  }
}

/// The same for a height known at run time, from 1 to kHighest.
template <std::size_t kHighest, std::size_t kVectors>
void multiply_tiles_of(std::size_t rows, std::size_t count, Strip& strip) {
  if (rows == kHighest) return multiply_tiles<kHighest, kVectors>(count, strip);
  if constexpr (kHighest > 1) multiply_tiles_of<kHighest - 1, kVectors>(rows, count, strip);
}

/// How high tiles may be. High ones need few loads. But of few steps they are better low, where there are registers
/// enough for that: a low one begins while the sums of the one before are still being written. So they are where the
/// rows' factors share one set of the first-level cache, which holds eight lines.
template <std::size_t kVectors>
std::size_t tile_limit(const Strip& strip) {
  constexpr std::size_t kHighest = tile_rows(kVectors), kFewSteps = 48, kAliasing = 4096 / sizeof(float);
  const bool low = strip.k < kFewSteps || strip.x.row_stride % kAliasing == 0;
  return low && kVectors == 2 && kHighest > 8 ? kHighest / 2 : kHighest;
}

/// As few tiles as possible, all of about the same height.
template <std::size_t kVectors>
void multiply_rows(std::size_t rows, Strip& strip) {
  constexpr std::size_t kHighest = tile_rows(kVectors);
  const std::size_t limit = tile_limit<kVectors>(strip);
  const std::size_t tiles = (rows + limit - 1) / limit, height = rows / tiles, higher = rows % tiles;
  if (higher > 0) multiply_tiles_of<kHighest, kVectors>(height + 1, higher, strip);
  multiply_tiles_of<kHighest, kVectors>(height, tiles - higher, strip);
}

/// Works off `rows` rows of the strip, which is `vectors` vectors wide.
void multiply_strip(std::size_t rows, std::size_t vectors, Strip strip) {
  switch (vectors) {
    case 1:
      return multiply_rows<1>(rows, strip);
    case 2:
      return multiply_rows<2>(rows, strip);
    case 4:
      return multiply_rows<4>(rows, strip);
    default:
      return multiply_rows<8>(rows, strip);
  }
}
