// The order of samples: permutations that are computed, and batches by number.
#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "asap/data/batch_source.h"
#include "asap/data/permutation.h"
#include "check.h"

namespace {

using asap::BatchSource;
using asap::Permutation;

std::vector<std::uint64_t> all_of(const Permutation& order, std::uint64_t size) {
  std::vector<std::uint64_t> values(size);
  for (std::uint64_t i = 0; i < size; ++i) values[i] = order(i);
  return values;
}

std::vector<std::uint64_t> identity(std::uint64_t size) {
  std::vector<std::uint64_t> values(size);
  std::iota(values.begin(), values.end(), std::uint64_t{0});
  return values;
}

/// Σ (observed − expected)²/expected.
double chi_square(const std::vector<double>& counts, double expected) {
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

}  // namespace

TEST(a_permutation_holds_every_number_once) {
  for (std::uint64_t size : {1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 100, 1000, 1024, 1025, 60000})
    for (std::uint64_t key : {0, 1, 12345}) {
      auto values = all_of(Permutation(size, key), size);
      std::sort(values.begin(), values.end());
      CHECK(values == identity(size));
    }
}

TEST(keys_give_different_orders_and_the_same_key_the_same) {
  CHECK(all_of(Permutation(1000, 1), 1000) == all_of(Permutation(1000, 1), 1000));
  CHECK(all_of(Permutation(1000, 1), 1000) != all_of(Permutation(1000, 2), 1000));
  CHECK(all_of(Permutation(1000, 1), 1000) != identity(1000));
}

TEST(every_number_is_equally_likely_at_every_place) {
  constexpr std::uint64_t kSize = 10, kKeys = 20000;
  for (std::uint64_t position = 0; position < kSize; ++position) {
    std::vector<double> counts(kSize);
    for (std::uint64_t key = 0; key < kKeys; ++key) counts[Permutation(kSize, key)(position)] += 1;
    CHECK_NEAR(chi_square(counts, kKeys / kSize), 0.0, 33.7);  // 9 degrees of freedom: P(χ² > 33.7) = 10⁻⁴
  }
}

TEST(neighbours_are_independent) {  // pairs (order(0), order(1)) are uniform over the 90 possible ones
  constexpr std::uint64_t kSize = 10, kKeys = 90000;
  std::vector<double> pairs(kSize * kSize);
  for (std::uint64_t key = 0; key < kKeys; ++key) {
    const Permutation order(kSize, key);
    pairs[order(0) * kSize + order(1)] += 1;
  }
  std::erase(pairs, 0.0);
  CHECK_EQUAL(pairs.size(), 90u);
  CHECK_NEAR(chi_square(pairs, kKeys / 90.0), 0.0, 146.0);  // 89 degrees of freedom: P(χ² > 146) = 10⁻⁴
}

TEST(an_epoch_visits_every_sample_once_and_its_last_batch_may_be_short) {
  for (std::uint64_t samples : {1, 10, 64, 100})
    for (std::uint64_t batch_size : {1, 3, 32, 200}) {
      const BatchSource source(samples, batch_size, 7, BatchSource::kUnlimited);
      std::vector<std::uint64_t> buffer(batch_size);
      for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
        std::vector<std::uint64_t> visited;
        for (std::uint64_t k = 0; k < source.batches_per_epoch(); ++k) {
          const auto batch = source.samples(epoch * source.batches_per_epoch() + k, buffer);
          CHECK(k + 1 == source.batches_per_epoch() || batch.size() == batch_size);
          visited.insert(visited.end(), batch.begin(), batch.end());
        }
        std::sort(visited.begin(), visited.end());
        CHECK(visited == identity(samples));
      }
    }
}

TEST(epochs_and_seeds_differ) {
  std::vector<std::uint64_t> a(100), b(100);
  const BatchSource one(100, 100, 1, 10), two(100, 100, 2, 10);
  (void)one.samples(0, a);
  (void)one.samples(1, b);
  CHECK(a != b);
  (void)two.samples(0, b);
  CHECK(a != b);
}

TEST(numbers_are_taken_once_each_whoever_takes_them) {
  constexpr std::uint64_t kBatches = 20000, kGrants = 500;
  BatchSource source(1000, 10, 0, kBatches);
  std::vector<std::vector<std::uint64_t>> taken(4);
  std::vector<std::thread> threads;
  for (auto& mine : taken)
    threads.emplace_back([&] {
      std::uint64_t granted = 0;
      while (const auto number = source.take()) {
        mine.push_back(*number);
        if (granted++ < kGrants / 4) source.grant();
      }
    });
  for (auto& thread : threads) thread.join();
  std::vector<std::uint64_t> all;
  for (const auto& mine : taken) all.insert(all.end(), mine.begin(), mine.end());
  std::sort(all.begin(), all.end());
  CHECK(all == identity(all.size()));
  CHECK(all.size() >= kBatches && all.size() <= kBatches + kGrants);
}

TEST(grants_stop_at_the_maximum) {
  BatchSource source(10, 1, 0, 2, 3);
  for (int i = 0; i < 5; ++i) source.grant();
  int taken = 0;
  while (source.take()) ++taken;
  CHECK_EQUAL(taken, 3);
}
