// Exchanging values between lanes: transposing blocks of kLanes × kLanes floats in registers, reducing a vector to one
// number. All in log2(kLanes) rounds.

template <std::size_t... kIndices>
struct Indices {};

template <std::size_t kCount, std::size_t... kIndices>
struct CountUp : CountUp<kCount - 1, kCount - 1, kIndices...> {};
template <std::size_t... kIndices>
struct CountUp<0, kIndices...> {
  using List = Indices<kIndices...>;
};

using AllLanes = typename CountUp<kLanes>::List;

#if defined(__clang__) || __GNUC__ >= 12
#define ASAP_SHUFFLE(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define ASAP_SHUFFLE(a, b, ...) __builtin_shuffle(a, b, IntVec{__VA_ARGS__})
#endif

// --- transposing

/// Where lane `lane` comes from among the lanes of a, then b, when a's and b's even blocks of `step` lanes are put
/// side by side (odd = 0), or their odd ones (odd = 1).
constexpr int source(std::size_t lane, std::size_t step, std::size_t odd) {
  const std::size_t block = lane / (2 * step) * (2 * step), within = lane % step;
  return static_cast<int>(block + within + odd * step + (lane & step ? kLanes : 0));
}

template <std::size_t kStep, std::size_t kOdd, std::size_t... kIndices>
ASAP_INLINE Vec blocks(Vec a, Vec b, Indices<kIndices...>) {
  return ASAP_SHUFFLE(a, b, source(kIndices, kStep, kOdd)...);
}

template <std::size_t kStep>
ASAP_INLINE void exchange(Vec (&rows)[kLanes]) {
  ASAP_UNROLL
  for (std::size_t i = 0; i < kLanes; ++i) {
    if (i & kStep) continue;
    const Vec a = rows[i], b = rows[i + kStep];
    rows[i] = blocks<kStep, 0>(a, b, AllLanes{});
    rows[i + kStep] = blocks<kStep, 1>(a, b, AllLanes{});
  }
}

/// rows[i][j] becomes rows[j][i].
ASAP_INLINE void transpose(Vec (&rows)[kLanes]) {
  exchange<1>(rows);
  exchange<2>(rows);
  if constexpr (kLanes >= 8) exchange<4>(rows);
  if constexpr (kLanes >= 16) exchange<8>(rows);
}

/// Row i of the block: the kLanes floats at array[at + i·stride]. Behind array[size) there are zeros, so a block that
/// is wider than its matrix shows the next row, or zeros behind the last, and a block that is higher shows rows of
/// zeros.
ASAP_INLINE void load_block(const float* array, std::size_t size, std::size_t at, std::size_t stride,
                            Vec (&block)[kLanes]) {
  if (at + (kLanes - 1) * stride + kLanes <= size) {
    ASAP_UNROLL
    for (std::size_t i = 0; i < kLanes; ++i) block[i] = load(array + at + i * stride);
  } else {
    ASAP_UNROLL
    for (std::size_t i = 0; i < kLanes; ++i) block[i] = load_within(array, size, at + i * stride);
  }
}

/// The first `rows` rows of the block to to[i·stride …], `columns` floats each.
ASAP_INLINE void store_block(const Vec (&block)[kLanes], std::size_t rows, std::size_t columns, float* to,
                             std::size_t stride) {
  if (rows >= kLanes && columns >= kLanes) {
    ASAP_UNROLL
    for (std::size_t i = 0; i < kLanes; ++i) store(to + i * stride, block[i]);
  } else {
    for (std::size_t i = 0; i < smaller(rows, kLanes); ++i)
      store_some(to + i * stride, smaller(columns, kLanes), block[i]);
  }
}

// --- reducing

template <std::size_t kStep, std::size_t... kIndices>
ASAP_INLINE Vec swapped(Vec v, Indices<kIndices...>) {
  return ASAP_SHUFFLE(v, v, static_cast<int>(kIndices ^ kStep)...);
}

/// combine(… combine(v[0], v[1]) …), pairwise.
template <class Combine>
ASAP_INLINE float reduce(Vec v, Combine combine) {
  if constexpr (kLanes >= 16) v = combine(v, swapped<8>(v, AllLanes{}));
  if constexpr (kLanes >= 8) v = combine(v, swapped<4>(v, AllLanes{}));
  v = combine(v, swapped<2>(v, AllLanes{}));
  return combine(v, swapped<1>(v, AllLanes{}))[0];
}

ASAP_INLINE float sum(Vec v) {
  return reduce(v, [](Vec a, Vec b) { return a + b; });
}

ASAP_INLINE float largest(Vec v) {
  return reduce(v, [](Vec a, Vec b) { return larger(a, b); });
}

/// Lanes of a whose number has the bit kStep unset, and the others of b.
template <std::size_t kStep, std::size_t... kIndices>
ASAP_INLINE Vec blended(Vec a, Vec b, Indices<kIndices...>) {
  return ASAP_SHUFFLE(a, b, static_cast<int>(kIndices & kStep ? kIndices + kLanes : kIndices)...);
}

/// a's sums of two lanes kStep apart in the lanes whose number has the bit kStep unset, and b's in the others.
template <std::size_t kStep>
ASAP_INLINE Vec folded(Vec a, Vec b) {
  return blended<kStep>(a, b, AllLanes{}) + swapped<kStep>(blended<kStep>(b, a, AllLanes{}), AllLanes{});
}

template <std::size_t kStep>
ASAP_INLINE void fold(Vec (&rows)[kLanes]) {
  ASAP_UNROLL
  for (std::size_t i = 0; i < kLanes; i += 2 * kStep) rows[i] = folded<kStep>(rows[i], rows[i + kStep]);
}

/// Lane i of the result is the sum of rows[i].
ASAP_INLINE Vec sums_of(Vec (&rows)[kLanes]) {
  fold<1>(rows);
  fold<2>(rows);
  if constexpr (kLanes >= 8) fold<4>(rows);
  if constexpr (kLanes >= 16) fold<8>(rows);
  return rows[0];
}

/// totals[i] = Σ x[i·kLanes … (i+1)·kLanes), or += it.
void add_lanes(std::size_t n, const float* x, Write write, float* totals) {
  for (std::size_t i = 0; i < n; i += kLanes) {
    Vec block[kLanes];
    load_block(x, n * kLanes, i * kLanes, kLanes, block);
    Vec sums = sums_of(block);
    if (write == Write::add) sums += load_within(totals, n, i);
    store_some(totals + i, smaller(kLanes, n - i), sums);
  }
}
