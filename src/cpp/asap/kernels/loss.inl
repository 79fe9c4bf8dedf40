// Losses and softmax. With few classes kLanes samples go together, one in each lane; with many classes sample by
// sample, the vector along the classes.
//
// Of the exponentials exp(x[j] − largest), those that are exactly 1 (the largest's is) are counted apart, so that a
// small rest beside them keeps its digits.

// --- few classes

constexpr std::size_t kFewClasses = 128;

/// kLanes samples, or fewer: vector j holds their class j.
struct Samples {
  std::size_t count, classes;
  Vec x[kFewClasses];
};

/// Samples `first` … of rows[samples][classes].
ASAP_INLINE void load_samples(std::size_t samples, std::size_t first, const float* rows, Samples& s) {
  s.count = smaller(kLanes, samples - first);
  for (std::size_t j = 0; j < s.classes; j += kLanes) {
    Vec block[kLanes];
    load_block(rows, samples * s.classes, first * s.classes + j, s.classes, block);
    transpose(block);
    ASAP_UNROLL
    for (std::size_t i = 0; i < kLanes; ++i) s.x[j + i] = block[i];
  }
}

ASAP_INLINE void store_samples(const Samples& s, float* rows) {
  for (std::size_t j = 0; j < s.classes; j += kLanes) {
    Vec block[kLanes];
    ASAP_UNROLL
    for (std::size_t i = 0; i < kLanes; ++i) block[i] = s.x[j + i];
    transpose(block);
    store_block(block, s.count, s.classes - j, rows + j, s.classes);
  }
}

ASAP_INLINE Vec largest_of(const Samples& s) {
  Vec so_far = s.x[0];
  for (std::size_t j = 1; j < s.classes; ++j) so_far = larger(s.x[j], so_far);
  return so_far;
}

/// x becomes exp(x − largest), totals[i] the sum of sample i's.
ASAP_INLINE void exponentiate(Samples& s, Vec largest, double (&totals)[kLanes]) {
  Vec ones{}, rest{};
  for (std::size_t j = 0; j < s.classes; ++j) {
    const Vec e = s.x[j] = exp_of_negative(s.x[j] - largest);
    ones += e == 1.0f ? e : Vec{};
    rest += e == 1.0f ? Vec{} : e;
  }
  for (std::size_t i = 0; i < kLanes; ++i) totals[i] = static_cast<double>(ones[i]) + static_cast<double>(rest[i]);
}

/// weight / totals.
ASAP_INLINE Vec shares(float weight, const double (&totals)[kLanes]) {
  alignas(Vec) float lanes[kLanes];
  for (std::size_t i = 0; i < kLanes; ++i) lanes[i] = static_cast<float>(static_cast<double>(weight) / totals[i]);
  return load(lanes);
}

/// x = factors·x − weight·onehot.
ASAP_INLINE void subtract_labels(Samples& s, Vec factors, const std::int32_t* labels, float weight) {
  IntVec label = {};
  __builtin_memcpy(&label, labels, s.count * sizeof(std::int32_t));
  for (std::size_t j = 0; j < s.classes; ++j)
    s.x[j] = factors * s.x[j] - (label == static_cast<std::int32_t>(j) ? broadcast(weight) : Vec{});
}

void softmax_of_few(std::size_t rows, std::size_t classes, const float* output, float* probability) {
  Samples s;
  s.classes = classes;
  for (std::size_t first = 0; first < rows; first += kLanes) {
    load_samples(rows, first, output, s);
    double totals[kLanes];
    exponentiate(s, largest_of(s), totals);
    const Vec factors = shares(1, totals);
    for (std::size_t j = 0; j < classes; ++j) s.x[j] = factors * s.x[j];
    store_samples(s, probability + first * classes);
  }
}

/// The sum of the logarithms is the logarithm of the product, which kLanes totals of at most kFewClasses do not make
/// overflow.
double cross_entropy_of_few(std::size_t rows, std::size_t classes, const float* output, const std::int32_t* labels,
                            float weight, float* d_output) {
  double loss = 0;
  Samples s;
  s.classes = classes;
  for (std::size_t first = 0; first < rows; first += kLanes) {
    load_samples(rows, first, output, s);
    const Vec largest = largest_of(s);
    double totals[kLanes], product = 1, margins = 0;
    exponentiate(s, largest, totals);
    for (std::size_t i = 0; i < s.count; ++i) {
      const float at_label = output[(first + i) * classes + static_cast<std::size_t>(labels[first + i])];
      product *= totals[i];
      margins += static_cast<double>(largest[i]) - static_cast<double>(at_label);
    }
    loss += __builtin_log(product) + margins;
    if (!d_output) continue;
    subtract_labels(s, shares(weight, totals), labels + first, weight);
    store_samples(s, d_output + first * classes);
  }
  return loss;
}

// --- many classes

/// Lane i holds x[i], or `filler` where there is no such element.
ASAP_INLINE Vec load_or(const float* x, std::size_t count, float filler) {
  if (count >= kLanes) return load(x);
  alignas(Vec) float lanes[kLanes];
  store(lanes, broadcast(filler));
  copy_few(lanes, x, count);
  return load(lanes);
}

ASAP_INLINE float largest_of(std::size_t n, const float* x) {
  Vec so_far = broadcast(x[0]);
  for (std::size_t j = 0; j < n; j += kLanes) so_far = larger(load_or(x + j, n - j, x[0]), so_far);
  return largest(so_far);
}

/// Σ exp(x[j] − largest), and the terms in `exponentials` unless it is nullptr (it may be x).
ASAP_INLINE double sum_of_exponentials(std::size_t n, const float* x, float largest, float* exponentials) {
  Vec ones{}, rest{};
  for (std::size_t j = 0; j < n; j += kLanes) {
    const Vec e = exp_of_negative(load_or(x + j, n - j, -__builtin_inff()) - largest);
    ones += e == 1.0f ? e : Vec{};
    rest += e == 1.0f ? Vec{} : e;
    if (exponentials) store_some(exponentials + j, smaller(kLanes, n - j), e);
  }
  return static_cast<double>(sum(ones)) + static_cast<double>(sum(rest));
}

ASAP_INLINE void multiply(std::size_t n, float factor, float* x) {
  transform(n, [factor](Vec v) { return factor * v; }, x, x);
}

void softmax_of_many(std::size_t rows, std::size_t classes, const float* output, float* probability) {
  for (std::size_t i = 0; i < rows; ++i, output += classes, probability += classes) {
    const double total = sum_of_exponentials(classes, output, largest_of(classes, output), probability);
    multiply(classes, static_cast<float>(1.0 / total), probability);
  }
}

double cross_entropy_of_many(std::size_t rows, std::size_t classes, const float* output, const std::int32_t* labels,
                             float weight, float* d_output) {
  double loss = 0;
  for (std::size_t i = 0; i < rows; ++i, output += classes) {
    float* d = d_output ? d_output + i * classes : nullptr;
    const auto label = static_cast<std::size_t>(labels[i]);
    const float largest = largest_of(classes, output);
    const double total = sum_of_exponentials(classes, output, largest, d);
    loss += __builtin_log(total) + (static_cast<double>(largest) - static_cast<double>(output[label]));
    if (!d) continue;
    multiply(classes, static_cast<float>(static_cast<double>(weight) / total), d);
    d[label] -= weight;
  }
  return loss;
}

// --- the kernels

void softmax(std::size_t rows, std::size_t classes, const float* output, float* probability) {
  (classes <= kFewClasses ? softmax_of_few : softmax_of_many)(rows, classes, output, probability);
}

double softmax_cross_entropy(std::size_t rows, std::size_t classes, const float* output, const std::int32_t* labels,
                             float weight, float* d_output) {
  return (classes <= kFewClasses ? cross_entropy_of_few : cross_entropy_of_many)(rows, classes, output, labels, weight,
                                                                                 d_output);
}

double squared_error(std::size_t rows, std::size_t n, const float* output, const float* target, float weight,
                     float* d_output) {
  const float factor = weight * 2.0f / static_cast<float>(n);
  double loss = 0;
  for (std::size_t i = 0; i < rows * n; ++i) {
    const float difference = output[i] - target[i];
    loss += static_cast<double>(difference) * static_cast<double>(difference);
    if (d_output) d_output[i] = factor * difference;
  }
  return loss / static_cast<double>(n);
}
