// exp and tanh of whole vectors.

/// eˣ = (1 + fraction)·scale, where scale is a power of two and |fraction| < 0.42 is accurate to its own last bits.
struct Exponential {
  Vec fraction, scale;
};

/// For |x| ≤ 87. With n = round(x / ln 2), r = x − n·ln 2 lies within ±0.347, where eight terms of Taylor's series
/// leave a relative error of 5e-9.
ASAP_INLINE Exponential exponential(Vec x) {
  constexpr float kLog2E = 1.44269504f, kRounder = 12582912.0f;           // 1.5·2²³: adding it rounds to integers
  constexpr float kLn2High = 0.693359375f, kLn2Low = -2.12194440055e-4f;  // ln 2, the first part with few digits
  const Vec rounded = x * kLog2E + kRounder, n = rounded - kRounder;
  const Vec r = (x - n * kLn2High) - n * kLn2Low;
  Vec series = r * (1.0f / 5040) + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  const IntVec exponent = reinterpret_cast<IntVec>(rounded) - reinterpret_cast<IntVec>(broadcast(kRounder)) + 127;
  return {series * r * r + r, reinterpret_cast<Vec>(exponent << 23)};
}

/// eˣ for x ≤ 0, and 0 below the normal numbers.
ASAP_INLINE Vec exp_of_negative(Vec x) {
  constexpr float kLeast = -87.0f;
  const Exponential e = exponential(x < kLeast ? broadcast(kLeast) : x);
  return x < kLeast ? Vec{} : e.fraction * e.scale + e.scale;
}

/// (e²ˣ − 1) / (e²ˣ + 1) of |x|, with e²ˣ − 1 computed without cancellation; then the sign of x.
ASAP_INLINE Vec tanh_of(Vec x) {
  constexpr float kOne = 10.0f;  // from here on the result rounds to 1
  const IntVec sign = reinterpret_cast<IntVec>(x) & reinterpret_cast<IntVec>(broadcast(-0.0f));
  const Vec size = reinterpret_cast<Vec>(reinterpret_cast<IntVec>(x) ^ sign);
  const Exponential e = exponential(2.0f * (size > kOne ? broadcast(kOne) : size));
  const Vec less_one = e.fraction * e.scale + (e.scale - 1.0f);
  return reinterpret_cast<Vec>(reinterpret_cast<IntVec>(less_one / (less_one + 2.0f)) | sign);
}
