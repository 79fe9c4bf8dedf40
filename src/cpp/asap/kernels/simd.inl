// Vectors of this instruction set: kLanes floats, loads, stores and the few operations the operators lack.
//
// Only compiler vector extensions: the same source serves x86-64 and aarch64, GCC and Clang.

#define ASAP_INLINE inline __attribute__((always_inline))
#define ASAP_NOINLINE __attribute__((noinline))

#if defined(__AVX512F__)
constexpr std::size_t kLanes = 16;
#elif defined(__AVX2__)
constexpr std::size_t kLanes = 8;
#else
constexpr std::size_t kLanes = 4;
#endif

typedef float Vec __attribute__((vector_size(kLanes * sizeof(float))));
typedef std::int32_t IntVec __attribute__((vector_size(kLanes * sizeof(float))));
typedef double WideVec __attribute__((vector_size(kLanes * sizeof(double))));
typedef float UnalignedVec __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float)), may_alias));

ASAP_INLINE Vec load(const float* from) { return *reinterpret_cast<const UnalignedVec*>(from); }
ASAP_INLINE void store(float* to, Vec v) { *reinterpret_cast<UnalignedVec*>(to) = v; }

/// x in every lane. (x − 0 is x for every x, −0 and NaN too, which x + 0 is not.)
ASAP_INLINE Vec broadcast(float x) { return x - Vec{}; }

/// The first `count` < kLanes floats, then zeros; nothing behind them is read.
ASAP_INLINE Vec load_first(const float* from, std::size_t count) {
  alignas(Vec) float lanes[kLanes] = {};
  for (std::size_t i = 0; i < count; ++i) lanes[i] = from[i];
  return load(lanes);
}

/// Writes the first `count` < kLanes lanes and nothing behind them.
ASAP_INLINE void store_first(float* to, std::size_t count, Vec v) {
  alignas(Vec) float lanes[kLanes];
  store(lanes, v);
  for (std::size_t i = 0; i < count; ++i) to[i] = lanes[i];
}

ASAP_INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }

ASAP_INLINE float sum(Vec v) {
  float total = 0;
  for (std::size_t i = 0; i < kLanes; ++i) total += v[i];
  return total;
}

/// to[i] = function(from[i]…) by whole vectors, the rest in a vector padded with zeros. `to` may be one of `from`.
template <class Function, class... Pointers>
ASAP_INLINE void transform(std::size_t n, Function function, float* to, Pointers... from) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, function(load(from + i)...));
  if (i < n) store_first(to + i, n - i, function(load_first(from + i, n - i)...));
}
