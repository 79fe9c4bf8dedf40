// The yardsticks do all of the work that benchmarks count, in every instruction set that this processor runs.
#include <deque>
#include <vector>

#include "asap/kernels/kernels.h"
#include "check.h"
#include "kernels_support.h"

using asap::kernels::Streams;
using asap::kernels::Table;
using kernels_support::Guarded;
using kernels_support::normal;

namespace {

struct Arrays {
  Arrays(std::size_t count, std::size_t n) {
    for (unsigned seed = 1; seed <= count; ++seed) pointers.push_back(guarded.emplace_back(normal(n, seed)).data());
  }
  std::deque<Guarded> guarded;  // they cannot be moved
  std::vector<float*> pointers;
};

void expect_pass(const Table& table, Streams s) {
  const auto [reads, updates, writes] = s.mix;
  Arrays arrays(reads + updates + writes, s.n);
  s.arrays = arrays.pointers.data();
  std::vector<std::vector<double>> expected;
  for (const Guarded& each : arrays.guarded) expected.push_back(kernels_support::wide(each.values()));
  double total = 0;
  for (std::size_t i = 0; i < s.n; ++i) {
    double r = 0;
    for (std::size_t a = 0; a < reads; ++a) r += expected[a][i];
    for (std::size_t a = reads; a < reads + updates; ++a) expected[a][i] = r - expected[a][i];
    for (std::size_t a = reads + updates; a < expected.size(); ++a) expected[a][i] = r;
    total += r;
  }
  const float returned = table.stream(s);
  for (std::size_t a = 0; a < expected.size(); ++a)
    kernels_support::expect_close(arrays.guarded[a], expected[a], 1e-6 * kernels_support::norm(expected[a]), table.name,
                                  " reads ", reads, " updates ", updates, " writes ", writes, " form ", s.form,
                                  " array ", a);
  CHECK_NEAR(returned, updates + writes ? 0.0 : total, 1e-4);
}

}  // namespace

// x = x/2 + 1/2 goes from x₀ to 1 + (x₀ − 1)/2^rounds, exactly; here Σ (x₀ − 1) over V vectors is lanes·V(V − 2)/2.
// Lanes or vectors that were left out would be missed.
TEST(multiply_add_works_on_as_many_lanes_as_it_counts_operations) {
  for (const Table* table : asap::kernels::available())
    for (const int rounds : {0, 1, 7}) {
      const double elements = static_cast<double>(table->multiply_add_flops) / 2;
      const double vectors = elements / static_cast<double>(table->lanes);
      CHECK_EQUAL(static_cast<double>(table->multiply_add(static_cast<std::size_t>(rounds), 0.5f)),
                  elements + std::ldexp(elements * (vectors - 2) / 2, -rounds));
    }
}

TEST(a_pass_reads_and_writes_every_element_of_its_streams) {
  for (const Table* table : asap::kernels::available())
    for (const asap::kernels::StreamMix& mix : asap::kernels::kStreamMixes)
      for (std::size_t form = 0; form < Streams::kForms; ++form)
        for (const std::size_t n : {Streams::kMultiple, 3 * Streams::kMultiple})
          expect_pass(*table, {.mix = mix, .n = n, .form = form});
}
