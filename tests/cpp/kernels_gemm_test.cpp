// Matrix products and column sums of every instruction set against the naive reference in double.
#include <initializer_list>

#include "asap/kernels/reference.h"
#include "kernels_support.h"

namespace {

using namespace asap::kernels;
using namespace kernels_support;

struct Product {
  bool transpose_a, transpose_b;
  std::size_t m, n, k;
  Activation activation;
  bool has_bias;
};

std::string describe(const Product& p, const Table& table) {
  std::ostringstream text;
  text << table.name << " gemm m=" << p.m << " n=" << p.n << " k=" << p.k << (p.transpose_a ? " T" : " N")
       << (p.transpose_b ? "T" : "N") << " activation " << static_cast<int>(p.activation) << " bias " << p.has_bias;
  return text.str();
}

/// Computes one product with every table, in arrays of the exact size at odd addresses.
void check_product(const Product& p) {
  const Guarded a(normal(p.m * p.k, 1), 1), b(normal(p.k * p.n, 2), 3), bias(normal(p.n, 3), 5);
  const auto wide_a = wide(a.values()), wide_b = wide(b.values()), wide_bias = wide(bias.values());
  std::vector<double> expected(p.m * p.n);
  reference::gemm(p.transpose_a, p.transpose_b, p.m, p.n, p.k, wide_a.data(), wide_b.data(),
                  p.has_bias ? wide_bias.data() : nullptr, p.activation, expected.data());
  for (const Table* table : available()) {
    Guarded c(p.m * p.n, 7);
    Gemm gemm{.transpose_a = p.transpose_a,
              .transpose_b = p.transpose_b,
              .m = p.m,
              .n = p.n,
              .k = p.k,
              .a = a.data(),
              .b = b.data(),
              .bias = p.has_bias ? bias.data() : nullptr,
              .activation = p.activation,
              .c = c.data()};
    Guarded scratch(table->gemm_scratch(gemm));
    if (scratch.size() > 0) gemm.scratch = scratch.data();
    table->gemm(gemm);
    expect_close(c, expected, tolerance(expected, p.activation == Activation::tanh ? 0 : p.k), describe(p, *table));
    if (!scratch.intact()) check::fail(__FILE__, __LINE__, "wrote outside its scratch: ", describe(p, *table));
  }
}

constexpr std::initializer_list<std::size_t> kSizes = {1, 2, 3, 5, 10, 16, 17, 31, 33, 64, 100, 128};
constexpr Activation kActivations[] = {Activation::identity, Activation::relu, Activation::tanh};

void check_all_sizes(bool transpose_a, bool transpose_b) {
  std::size_t turn = 0;
  for (const std::size_t m : kSizes)
    for (const std::size_t n : kSizes)
      for (const std::size_t k : kSizes) {
        check_product({transpose_a, transpose_b, m, n, k, kActivations[turn % 3], turn % 2 == 0});
        ++turn;
      }
}

TEST(products_agree_with_the_reference) { check_all_sizes(false, false); }
TEST(products_with_b_transposed_agree_with_the_reference) { check_all_sizes(false, true); }
TEST(products_with_a_transposed_agree_with_the_reference) { check_all_sizes(true, false); }
TEST(products_with_both_transposed_agree_with_the_reference) { check_all_sizes(true, true); }

TEST(products_of_real_networks_agree_with_the_reference) {
  for (const std::size_t batch : {1u, 3u, 16u, 33u, 64u, 512u}) {
    check_product({false, false, batch, 128, 784, Activation::relu, true});
    check_product({false, false, batch, 10, 128, Activation::identity, true});
    check_product({false, true, batch, 256, 120, Activation::identity, false});
    check_product({true, false, 784, 128, batch, Activation::identity, false});
  }
}

TEST(products_longer_than_any_block_agree_with_the_reference) {
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true}) {
      check_product({transpose_a, transpose_b, 7, 9, 3001, Activation::relu, true});
      check_product({transpose_a, transpose_b, 65, 7, 1025, Activation::tanh, true});
      check_product({transpose_a, transpose_b, 7, 1025, 65, Activation::identity, true});
      check_product({transpose_a, transpose_b, 1025, 7, 65, Activation::identity, false});
    }
}

TEST(an_empty_sum_leaves_the_bias) {
  for (const std::size_t m : {0u, 1u, 3u})
    for (const std::size_t n : {1u, 10u, 33u}) check_product({false, false, m, n, 0, Activation::relu, true});
}

TEST(bias_gradients_are_column_sums) {
  for (const std::size_t rows : kSizes)
    for (const std::size_t n : kSizes) {
      const Guarded d_output(normal(rows * n, 4), 3);
      const auto wide_d = wide(d_output.values());
      std::vector<double> expected(n);
      reference::bias_gradient(rows, n, wide_d.data(), expected.data());
      for (const Table* table : available()) {
        Guarded gradient(n, 1);
        table->bias_gradient(rows, n, d_output.data(), Write::replace, gradient.data());
        expect_close(gradient, expected, tolerance(expected, rows), table->name, " bias_gradient rows=", rows,
                     " n=", n);
      }
    }
}

}  // namespace
