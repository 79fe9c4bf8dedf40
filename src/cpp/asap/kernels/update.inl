// The update path: whole parameter vectors, read and written once.

void copy(std::size_t n, const float* from, float* to) {
  transform(n, [](Vec x) { return x; }, to, from);
}

void accumulate(std::size_t n, float weight, const float* x, float* total) {
  transform(n, [weight](Vec s, Vec v) { return s + weight * v; }, total, total, x);
}

void scaled_copy(std::size_t n, float weight, const float* x, float* y) {
  transform(n, [weight](Vec v) { return weight * v; }, y, x);
}

// GCC and Clang fuse a·b + c into one rounding where the instruction set can, and with two products in a sum they may
// choose either. So that an element's bits never depend on its position, all elements run through the same machine
// code: these two loops over whole vectors exist once, and a rest of fewer than kLanes elements visits them in copies.
#if defined(__clang__)
#define ASAP_SINGLE_COPY __attribute__((noinline))
#else
#define ASAP_SINGLE_COPY __attribute__((noinline, noclone))
#endif

ASAP_SINGLE_COPY void advance_vectors(std::size_t count, float factor, const float* gradient, const float* theta,
                                      float* theta_out) {
  for (std::size_t i = 0; i < count * kLanes; i += kLanes)
    store(theta_out + i, load(theta + i) - factor * load(gradient + i));
}

ASAP_SINGLE_COPY void advance_vectors_with_momentum(std::size_t count, Coefficients c, const float* gradient,
                                                    const float* theta, const float* velocity, float* theta_out,
                                                    float* velocity_out) {
  for (std::size_t i = 0; i < count * kLanes; i += kLanes) {
    const Vec step = c.momentum * load(velocity + i) + c.scale * load(gradient + i);
    store(theta_out + i, load(theta + i) - c.rate * step);
    store(velocity_out + i, step);
  }
}

void advance_plainly(std::size_t n, float factor, const float* gradient, const float* theta, float* theta_out) {
  const std::size_t count = n / kLanes, done = count * kLanes, rest = n - done;
  advance_vectors(count, factor, gradient, theta, theta_out);
  if (rest == 0) return;
  float g[kLanes], t[kLanes];
  store(g, load_first(gradient + done, rest));
  store(t, load_first(theta + done, rest));
  advance_vectors(1, factor, g, t, t);
  store_first(theta_out + done, rest, load(t));
}

void advance_with_momentum(std::size_t n, Coefficients c, const float* gradient, const float* theta,
                           const float* velocity, float* theta_out, float* velocity_out) {
  const std::size_t count = n / kLanes, done = count * kLanes, rest = n - done;
  advance_vectors_with_momentum(count, c, gradient, theta, velocity, theta_out, velocity_out);
  if (rest == 0) return;
  float g[kLanes], t[kLanes], u[kLanes];
  store(g, load_first(gradient + done, rest));
  store(t, load_first(theta + done, rest));
  store(u, load_first(velocity + done, rest));
  advance_vectors_with_momentum(1, c, g, t, u, t, u);
  store_first(theta_out + done, rest, load(t));
  store_first(velocity_out + done, rest, load(u));
}

void advance(std::size_t n, Coefficients c, const float* gradient, const float* theta, const float* velocity,
             float* theta_out, float* velocity_out) {
  if (velocity)
    advance_with_momentum(n, c, gradient, theta, velocity, theta_out, velocity_out);
  else
    advance_plainly(n, c.rate * c.scale, gradient, theta, theta_out);
}

/// x − x is 0 exactly for finite x and NaN otherwise, and a NaN survives in a sum. Four sums do not wait for each
/// other.
bool all_finite(std::size_t n, const float* x) {
  Vec sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    ASAP_UNROLL
    for (std::size_t q = 0; q < 4; ++q) sums[q] += load(x + i + q * kLanes) - load(x + i + q * kLanes);
  }
  for (; i < n; i += kLanes) sums[0] += load_within(x, n, i) - load_within(x, n, i);
  return sum((sums[0] + sums[1]) + (sums[2] + sums[3])) == 0.0f;
}
