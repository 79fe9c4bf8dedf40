// Matrix products of dense layers, and the column sums that go with them.

std::size_t gemm_scratch(const Gemm&) { return 0; }

void gemm(const Gemm& g) {
  for (std::size_t i = 0; i < g.m; ++i) {
    float* c = g.c + i * g.n;
    for (std::size_t j = 0; j < g.n; ++j) c[j] = g.bias ? g.bias[j] : 0.0f;
    for (std::size_t p = 0; p < g.k; ++p) {
      const float a = g.transpose_a ? g.a[p * g.m + i] : g.a[i * g.k + p];
      for (std::size_t j = 0; j < g.n; ++j) c[j] += a * (g.transpose_b ? g.b[j * g.k + p] : g.b[p * g.n + j]);
    }
    activate(g.activation, g.n, c, c);
  }
}

void bias_gradient(std::size_t rows, std::size_t n, const float* d_output, float* gradient) {
  for (std::size_t j = 0; j < n; ++j) gradient[j] = 0;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < n; ++j) gradient[j] += d_output[i * n + j];
}
