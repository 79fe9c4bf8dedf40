// Corrections of gradients. No sum here has two products, so that an element's bits do not depend on its position.

ASAP_INLINE Vec magnitude(Vec x) { return larger(x, -x); }

double squared_norm(std::size_t n, const float* x) {
  typedef double DoubleVec __attribute__((vector_size(kLanes * sizeof(double))));
  DoubleVec sums[2] = {};
  const auto add = [&](DoubleVec& total, Vec v) {
    const DoubleVec wide = __builtin_convertvector(v, DoubleVec);
    total += wide * wide;
  };
  std::size_t i = 0;
  for (; i + 2 * kLanes <= n; i += 2 * kLanes) {
    add(sums[0], load(x + i));
    add(sums[1], load(x + i + kLanes));
  }
  for (; i < n; i += kLanes) add(sums[0], load_within(x, n, i));
  double total = 0;
  for (std::size_t lane = 0; lane < kLanes; ++lane) total += sums[0][lane] + sums[1][lane];
  return total;
}

void compensate_delay(std::size_t n, float lambda, const float* gradient, const float* theta, const float* view,
                      float* corrected) {
  transform(
      n, [lambda](Vec g, Vec t, Vec v) { return g + (lambda * g) * (g * (t - v)); }, corrected, gradient, theta, view);
}

void divide_by_gap(std::size_t n, float weight, const float* gradient, const float* theta, const float* view,
                   const float* movement, float* corrected) {
  constexpr float kLeast = 0x1p-126f;  // of normal numbers: what has never moved is divided by 1 + 0
  transform(
      n,
      [weight](Vec g, Vec t, Vec v, Vec m) {
        return g / (1.0f + weight * magnitude(t - v) / larger(m, broadcast(kLeast)));
      },
      corrected, gradient, theta, view, movement);
}

void average_movement(std::size_t n, float share, float factor, const float* x, const float* movement,
                      float* movement_out) {
  transform(n, [=](Vec v, Vec m) { return m + share * (factor * magnitude(v) - m); }, movement_out, x, movement);
}
