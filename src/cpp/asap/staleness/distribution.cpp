#include "asap/staleness/distribution.h"

#include <numeric>

#include "asap/core/error.h"

namespace asap {
namespace {

std::uint64_t sum_of_taus(const std::vector<std::uint64_t>& counts) {
  std::uint64_t sum = 0;
  for (std::size_t tau = 0; tau < counts.size(); ++tau) sum += tau * counts[tau];
  return sum;
}

}  // namespace

Distribution::Distribution(std::vector<std::uint64_t> counts, LastBin last)
    : Distribution(counts, sum_of_taus(counts), last) {}

Distribution::Distribution(std::vector<std::uint64_t> counts, std::uint64_t tau_sum)
    : Distribution(counts, tau_sum, tau_sum > sum_of_taus(counts) ? LastBin::open_ended : LastBin::one_tau) {}

Distribution::Distribution(std::vector<std::uint64_t> counts, std::uint64_t tau_sum, LastBin last)
    : counts_(std::move(counts)), tau_sum_(tau_sum), last_(last) {
  while (!counts_.empty() && counts_.back() == 0) counts_.pop_back();
  total_ = std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

double Distribution::mean() const {
  return empty() ? 0.0 : static_cast<double>(tau_sum_) / static_cast<double>(total_);
}

double Distribution::probability(Tau tau) const {
  return tau < counts_.size() ? static_cast<double>(counts_[tau]) / static_cast<double>(total_) : 0.0;
}

double Distribution::cdf(Tau tau, Cdf form) const {
  if (empty()) return 0.0;
  if (tau >= counts_.size()) return 1.0;
  const auto below =
      std::accumulate(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(tau), std::uint64_t{0});
  const auto here = static_cast<double>(counts_[tau]);
  const double weight = form == Cdf::mid ? 0.5 : form == Cdf::inclusive ? 1.0 : 0.0;
  return (static_cast<double>(below) + weight * here) / static_cast<double>(total_);
}

Tau Distribution::quantile(double q) const {
  if (!(q >= 0.0 && q <= 1.0)) invalid_argument("quantile q must be in [0, 1]; got ", q);
  if (empty()) invalid_argument("the distribution must hold at least one update to have a quantile; got an empty one");
  const double wanted = q * static_cast<double>(total_);
  std::uint64_t below = 0;
  for (Tau tau = 0; tau < counts_.size(); ++tau) {
    below += counts_[tau];
    if (below > 0 && static_cast<double>(below) >= wanted) return tau;
  }
  return max_tau();
}

}  // namespace asap
