// Losses and softmax, row by row.

/// exponentials[j] = exp(output[j] − largest), returns their sum. The largest of them is exactly 1.
ASAP_INLINE double exponentials_of(std::size_t classes, const float* output, float largest, float* exponentials) {
  double total = 0;
  for (std::size_t j = 0; j < classes; ++j) {
    exponentials[j] = __builtin_expf(output[j] - largest);
    total += static_cast<double>(exponentials[j]);
  }
  return total;
}

ASAP_INLINE float largest_of(std::size_t n, const float* x) {
  float largest = x[0];
  for (std::size_t j = 1; j < n; ++j) largest = x[j] > largest ? x[j] : largest;
  return largest;
}

void softmax(std::size_t rows, std::size_t classes, const float* output, float* probability) {
  for (std::size_t i = 0; i < rows; ++i, output += classes, probability += classes) {
    const double total = exponentials_of(classes, output, largest_of(classes, output), probability);
    const float factor = static_cast<float>(1.0 / total);
    for (std::size_t j = 0; j < classes; ++j) probability[j] *= factor;
  }
}

double softmax_cross_entropy(std::size_t rows, std::size_t classes, const float* output, const std::int32_t* labels,
                             float weight, float* d_output) {
  double loss = 0;
  for (std::size_t i = 0; i < rows; ++i, output += classes) {
    const auto label = static_cast<std::size_t>(labels[i]);
    const float largest = largest_of(classes, output);
    double total = 0;
    for (std::size_t j = 0; j < classes; ++j) total += static_cast<double>(__builtin_expf(output[j] - largest));
    loss += __builtin_log(total) - (static_cast<double>(output[label]) - static_cast<double>(largest));
    if (!d_output) continue;
    const float factor = weight * static_cast<float>(1.0 / total);
    float* d = d_output + i * classes;
    for (std::size_t j = 0; j < classes; ++j) d[j] = factor * __builtin_expf(output[j] - largest);
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
