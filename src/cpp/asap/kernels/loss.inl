// Losses and softmax, row by row.

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
/// Terms that are exactly 1 (the largest is) are counted, so that a small rest beside them keeps its digits.
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

void softmax(std::size_t rows, std::size_t classes, const float* output, float* probability) {
  for (std::size_t i = 0; i < rows; ++i, output += classes, probability += classes) {
    const double total = sum_of_exponentials(classes, output, largest_of(classes, output), probability);
    multiply(classes, static_cast<float>(1.0 / total), probability);
  }
}

double softmax_cross_entropy(std::size_t rows, std::size_t classes, const float* output, const std::int32_t* labels,
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
