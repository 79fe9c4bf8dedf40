// Histograms and distributions of τ.
#include <numeric>
#include <thread>
#include <vector>

#include "asap/staleness/distribution.h"
#include "asap/staleness/histogram.h"
#include "check.h"

namespace {

using asap::Cdf;
using asap::Distribution;
using asap::TauHistogram;

const Distribution kExample({2, 0, 5, 1});  // τ = 0 twice, τ = 2 five times, τ = 3 once

}  // namespace

TEST(moments_and_probabilities_follow_from_the_counts) {
  CHECK_EQUAL(kExample.total(), 8u);
  CHECK_EQUAL(kExample.max_tau(), 3u);
  CHECK_NEAR(kExample.mean(), 13.0 / 8.0, 1e-15);
  CHECK_NEAR(kExample.probability(2), 5.0 / 8.0, 1e-15);
  CHECK_EQUAL(kExample.probability(99), 0.0);
}

TEST(the_three_forms_of_the_cdf) {
  for (asap::Tau tau = 0; tau < 6; ++tau) {
    const double below = tau == 0 ? 0.0 : kExample.cdf(tau - 1, Cdf::inclusive);
    const bool seen = tau <= kExample.max_tau();
    CHECK_NEAR(kExample.cdf(tau, Cdf::inclusive), below + kExample.probability(tau), 1e-15);
    CHECK_NEAR(kExample.cdf(tau, Cdf::exclusive), seen ? below : 1.0, 1e-15);
    CHECK_NEAR(kExample.cdf(tau, Cdf::mid), seen ? below + kExample.probability(tau) / 2 : 1.0, 1e-15);
  }
}

TEST(a_quantile_is_the_smallest_tau_that_reaches_q) {
  CHECK_EQUAL(kExample.quantile(0.0), 0u);
  CHECK_EQUAL(kExample.quantile(0.25), 0u);
  CHECK_EQUAL(kExample.quantile(0.26), 2u);
  CHECK_EQUAL(kExample.quantile(0.875), 2u);
  CHECK_EQUAL(kExample.quantile(1.0), 3u);
  CHECK_THROWS(std::invalid_argument, kExample.quantile(1.5), "got 1.5");
  CHECK_THROWS(std::invalid_argument, Distribution().quantile(0.5), "empty");
}

TEST(an_empty_distribution_is_harmless) {
  CHECK(Distribution().empty());
  CHECK_EQUAL(Distribution().mean(), 0.0);
  CHECK_EQUAL(Distribution().cdf(3), 0.0);
  CHECK(Distribution({0, 0, 0}).counts().empty());
}

TEST(a_histogram_counts_every_tau_and_clamps_only_the_bin) {
  TauHistogram histogram;
  const std::vector<asap::Tau> taus{0, 1, 1, asap::kTauBins - 1, asap::kTauBins, 1000000};
  for (const asap::Tau tau : taus) histogram.add(tau);
  const Distribution distribution = histogram.distribution();
  CHECK_EQUAL(distribution.total(), taus.size());
  CHECK_EQUAL(distribution.counts().back(), 3u);
  const double sum = static_cast<double>(std::accumulate(taus.begin(), taus.end(), asap::Tau{0}));
  CHECK_NEAR(distribution.mean(), sum / static_cast<double>(taus.size()), 1e-9);
}

TEST(a_histogram_may_be_read_while_it_is_written) {
  TauHistogram histogram;
  constexpr std::uint64_t kUpdates = 200000;
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < kUpdates; ++i) histogram.add(i % 10);
  });
  std::uint64_t last = 0;
  for (int i = 0; i < 20; ++i) {
    const std::uint64_t now = histogram.distribution().total();
    CHECK(now >= last);
    last = now;
  }
  writer.join();
  const Distribution distribution = histogram.distribution();
  for (asap::Tau tau = 0; tau < 10; ++tau) CHECK_EQUAL(distribution.counts()[tau], kUpdates / 10);
}
