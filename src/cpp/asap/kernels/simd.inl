// Vectors of this instruction set: kLanes floats, loads, stores and the few operations the operators lack.
//
// Compiler vector extensions, so that the same source serves x86-64 and aarch64, GCC and Clang. Instructions are named
// for parts of a vector (AVX-512; the others copy piece by piece) and for the larger of two.

#define ASAP_INLINE inline __attribute__((always_inline))

// For innermost loops: in a function of their own the compiler gives all registers to them.
#define ASAP_TILE __attribute__((noinline))

// Before a loop over registers: without it the compiler may keep the array in memory.
#if defined(__clang__)
#define ASAP_UNROLL _Pragma("unroll")
#else
#define ASAP_UNROLL _Pragma("GCC unroll 32")
#endif

#if defined(__AVX512F__)
constexpr std::size_t kLanes = 16, kRegisters = 32;
#elif defined(__AVX2__)
constexpr std::size_t kLanes = 8, kRegisters = 16;
#elif defined(__aarch64__)
constexpr std::size_t kLanes = 4, kRegisters = 32;
#else
constexpr std::size_t kLanes = 4, kRegisters = 16;
#endif

static_assert(kLanes <= kMaxLanes);

typedef float Vec __attribute__((vector_size(kLanes * sizeof(float)), may_alias));
typedef float UnalignedVec __attribute__((vector_size(kLanes * sizeof(float)), aligned(alignof(float)), may_alias));
typedef std::int32_t IntVec __attribute__((vector_size(kLanes * sizeof(float))));

ASAP_INLINE Vec load(const float* from) { return *reinterpret_cast<const UnalignedVec*>(from); }
ASAP_INLINE void store(float* to, Vec v) { *reinterpret_cast<UnalignedVec*>(to) = v; }

/// The lanes layout as whole vectors; its arrays are aligned.
ASAP_INLINE const Vec* vectors(const float* lanes) { return reinterpret_cast<const Vec*>(lanes); }
ASAP_INLINE Vec* vectors(float* lanes) { return reinterpret_cast<Vec*>(lanes); }
ASAP_INLINE const float* floats(const Vec* vectors) { return reinterpret_cast<const float*>(vectors); }

/// The same pointer, hidden from the optimiser. Where a window slides over an array, GCC would otherwise carry the
/// overlap from one iteration to the next in registers that the sums need.
template <class T>
ASAP_INLINE T* hidden(T* pointer) {
  asm("" : "+r"(pointer));
  return pointer;
}

/// The same vector, in a register. GCC would otherwise load a factor of several products again for each of them.
ASAP_INLINE Vec loaded(Vec v) {
#if defined(__aarch64__)
  asm("" : "+w"(v));
#else
  asm("" : "+v"(v));
#endif
  return v;
}

/// x in every lane. (x − 0 is x for every x, −0 and NaN too, which x + 0 is not.)
ASAP_INLINE Vec broadcast(float x) { return x - Vec{}; }

/// Copies `count` < kLanes floats in pieces whose sizes the compiler knows. Sanitizers get a loop: GCC 12 instruments
/// no memcpy that it expands.
ASAP_INLINE void copy_few(float* to, const float* from, std::size_t count) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  for (std::size_t i = 0; i < count; ++i) to[i] = from[i];
#else
  ASAP_UNROLL
  for (std::size_t piece = kLanes / 2; piece > 0; piece /= 2)
    if (count & piece) {
      __builtin_memcpy(to, from, piece * sizeof(float));
      to += piece;
      from += piece;
    }
#endif
}

// Compilers do not instrument masked instructions. ThreadSanitizer gets the other form.
#if defined(__AVX512F__) && !defined(__SANITIZE_THREAD__)

ASAP_INLINE __mmask16 first_lanes(std::size_t count) { return static_cast<__mmask16>((1u << count) - 1); }

/// Reads the floats once more by ordinary instructions, for AddressSanitizer to see where they lie.
ASAP_INLINE void show_to_sanitizer([[maybe_unused]] const float* floats, [[maybe_unused]] std::size_t count) {
#if defined(__SANITIZE_ADDRESS__)
  float lanes[kLanes];
  copy_few(lanes, floats, count);
  asm volatile("" : : "r"(lanes) : "memory");  // as if they were needed
#endif
}

/// The first `count` < kLanes floats, then zeros; nothing behind them is read.
ASAP_INLINE Vec load_first(const float* from, std::size_t count) {
  show_to_sanitizer(from, count);
  return _mm512_maskz_loadu_ps(first_lanes(count), from);
}

/// Writes the first `count` < kLanes lanes and nothing behind them.
ASAP_INLINE void store_first(float* to, std::size_t count, Vec v) {
  show_to_sanitizer(to, count);
  _mm512_mask_storeu_ps(to, first_lanes(count), v);
}

#else

/// The first `count` < kLanes floats, then zeros; nothing behind them is read.
ASAP_INLINE Vec load_first(const float* from, std::size_t count) {
  alignas(Vec) float lanes[kLanes] = {};
  copy_few(lanes, from, count);
  return load(lanes);
}

/// Writes the first `count` < kLanes lanes and nothing behind them.
ASAP_INLINE void store_first(float* to, std::size_t count, Vec v) {
  alignas(Vec) float lanes[kLanes];
  store(lanes, v);
  copy_few(to, lanes, count);
}

#endif

/// Elements at … at + kLanes − 1 of array[size]; zeros for those that do not exist.
ASAP_INLINE Vec load_within(const float* array, std::size_t size, std::size_t at) {
  if (at + kLanes <= size) return load(array + at);
  return at < size ? load_first(array + at, size - at) : Vec{};
}

ASAP_INLINE Vec load_some(const float* from, std::size_t count) {
  return count == kLanes ? load(from) : load_first(from, count);
}

ASAP_INLINE void store_some(float* to, std::size_t count, Vec v) {
  if (count == kLanes)
    store(to, v);
  else
    store_first(to, count, v);
}

ASAP_INLINE std::size_t smaller(std::size_t a, std::size_t b) { return a < b ? a : b; }
ASAP_INLINE std::size_t larger(std::size_t a, std::size_t b) { return a > b ? a : b; }

/// The size of the parts when `total` is cut into as few parts of at most `limit` as possible, all but the last alike.
/// A limit of 0 is one of 1.
ASAP_INLINE std::size_t even_part(std::size_t total, std::size_t limit) {
  const std::size_t most = larger(limit, 1), parts = (total + most - 1) / most;
  return parts > 0 ? (total + parts - 1) / parts : 0;
}

ASAP_INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }

/// The same by the instruction for it, where GCC would compare and select. For what is not a number, too, it gives b.
ASAP_INLINE Vec larger_alone(Vec a, Vec b) {
#if defined(__AVX512F__)
  return _mm512_maskz_max_ps(0xffff, a, b);  // of all lanes: without a mask GCC 12 warns of its own header
#elif defined(__AVX2__)
  return _mm256_max_ps(a, b);
#else
  return larger(a, b);
#endif
}

/// to[i] = function(from[i]…) by whole vectors, the rest in a vector padded with zeros. `to` may be one of `from`.
template <class Function, class... Pointers>
ASAP_INLINE void transform(std::size_t n, Function function, float* to, Pointers... from) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(to + i, function(load(from + i)...));
  if (i < n) store_first(to + i, n - i, function(load_first(from + i, n - i)...));
}
