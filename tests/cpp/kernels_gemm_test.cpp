// Matrix products and column sums of every instruction set against the naive reference in double.
#include <array>
#include <initializer_list>

#include "asap/kernels/reference.h"
#include "kernels_support.h"

namespace {

using namespace asap::kernels;
using namespace kernels_support;

struct Product {
  bool transpose_a = false, transpose_b = false;
  std::size_t m = 0, n = 0, k = 0;
  Activation activation = Activation::identity;
  bool has_bias = false, has_mask = false;
  Write write = Write::replace;
};

std::string describe(const Product& p, const Table& table) {
  std::ostringstream text;
  text << table.name << " gemm m=" << p.m << " n=" << p.n << " k=" << p.k << (p.transpose_a ? " T" : " N")
       << (p.transpose_b ? "T" : "N") << " activation " << static_cast<int>(p.activation) << " bias " << p.has_bias
       << " mask " << p.has_mask << (p.write == Write::add ? " add" : "");
  return text.str();
}

struct Operands {
  explicit Operands(const Product& p)
      : a(normal(p.m * p.k, 1), 1),
        b(normal(p.k * p.n, 2), 3),
        bias(normal(p.n, 3), 5),
        mask(normal(p.m * p.n, 4), 2),
        before(normal(p.m * p.n, 5)) {
    for (std::size_t i = 0; i < mask.size(); i += 3) mask[i] = i % 2 == 0 ? 0.0f : -0.0f;
  }
  Guarded a, b, bias, mask;
  std::vector<float> before;  ///< what c holds
};

std::vector<double> expected_of(const Product& p, const Operands& x) {
  const auto a = wide(x.a.values()), b = wide(x.b.values()), bias = wide(x.bias.values());
  std::vector<double> expected(p.m * p.n);
  reference::gemm(p.transpose_a, p.transpose_b, p.m, p.n, p.k, a.data(), b.data(), p.has_bias ? bias.data() : nullptr,
                  p.activation, expected.data());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (p.has_mask && !(x.mask[i] > 0)) expected[i] = 0;
    if (p.write == Write::add) expected[i] += static_cast<double>(x.before[i]);
  }
  return expected;
}

/// Computes one product with every table, in arrays of the exact size at odd addresses.
void check_product(const Product& p) {
  const Operands x(p);
  const auto expected = expected_of(p, x);
  for (const Table* table : available()) {
    Guarded c(x.before, 7);
    Gemm gemm{.transpose_a = p.transpose_a,
              .transpose_b = p.transpose_b,
              .m = p.m,
              .n = p.n,
              .k = p.k,
              .a = x.a.data(),
              .b = x.b.data(),
              .bias = p.has_bias ? x.bias.data() : nullptr,
              .activation = p.activation,
              .mask = p.has_mask ? x.mask.data() : nullptr,
              .write = p.write,
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

/// Turns through the activations, with and without bias and mask, replacing and, where that is all, adding.
void check_all_sizes(bool transpose_a, bool transpose_b) {
  std::size_t turn = 0;
  for (const std::size_t m : kSizes)
    for (const std::size_t n : kSizes)
      for (const std::size_t k : kSizes) {
        check_product({transpose_a, transpose_b, m, n, k, kActivations[turn % 3], turn % 2 == 0, turn % 4 == 1});
        if (turn % 3 == 0)
          check_product(
              {.transpose_a = transpose_a, .transpose_b = transpose_b, .m = m, .n = n, .k = k, .write = Write::add});
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
    check_product({false, true, batch, 256, 120, Activation::identity, false, true});
    check_product({false, true, batch, 128, 10, Activation::identity, false, true});
    check_product({true, false, 784, 128, batch});
    check_product({.transpose_a = true, .m = 784, .n = 128, .k = batch, .write = Write::add});
    check_product({.transpose_a = true, .m = 128, .n = 10, .k = batch, .write = Write::add});
  }
}

TEST(products_longer_than_any_block_agree_with_the_reference) {
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true}) {
      check_product({transpose_a, transpose_b, 7, 9, 3001, Activation::relu, true});
      check_product({transpose_a, transpose_b, 65, 7, 1025, Activation::tanh, true});
      check_product({transpose_a, transpose_b, 7, 1025, 65, Activation::identity, true});
      check_product({transpose_a, transpose_b, 1025, 7, 65, Activation::identity, false, true});
      check_product(
          {.transpose_a = transpose_a, .transpose_b = transpose_b, .m = 67, .n = 129, .k = 1025, .write = Write::add});
    }
}

TEST(products_of_power_of_two_strides_agree_with_the_reference) {
  for (const bool transpose_a : {false, true})
    for (const bool transpose_b : {false, true})
      for (const Write write : {Write::replace, Write::add})
        for (const auto& [m, n, k] : {std::array{200u, 512u, 9u}, {13u, 40u, 1024u}, {1024u, 3u, 20u}})
          check_product(
              {.transpose_a = transpose_a, .transpose_b = transpose_b, .m = m, .n = n, .k = k, .write = write});
}

TEST(an_empty_sum_leaves_the_bias) {
  for (const std::size_t m : {0u, 1u, 3u})
    for (const std::size_t n : {1u, 10u, 33u}) check_product({false, false, m, n, 0, Activation::relu, true});
}

TEST(bias_gradients_are_column_sums) {
  for (const std::size_t rows : kSizes)
    for (const std::size_t n : kSizes) {
      const Guarded d_output(normal(rows * n, 4), 3);
      const auto wide_d = wide(d_output.values()), before = wide(normal(n, 5));
      std::vector<double> sums(n), sums_and_before(n);
      reference::bias_gradient(rows, n, wide_d.data(), sums.data());
      for (std::size_t j = 0; j < n; ++j) sums_and_before[j] = sums[j] + before[j];
      for (const Table* table : available()) {
        Guarded gradient(normal(n, 5), 1);
        table->bias_gradient(rows, n, d_output.data(), Write::add, gradient.data());
        expect_close(gradient, sums_and_before, tolerance(sums_and_before, rows), table->name,
                     " bias_gradient added, rows=", rows, " n=", n);
        table->bias_gradient(rows, n, d_output.data(), Write::replace, gradient.data());
        expect_close(gradient, sums, tolerance(sums, rows), table->name, " bias_gradient rows=", rows, " n=", n);
      }
    }
}

}  // namespace
