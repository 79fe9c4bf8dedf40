#include "asap/sim/law.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "asap/core/error.h"

namespace asap::law {
namespace {

double checked(const char* name, double value, double least) {
  if (!(value >= least && std::isfinite(value)))
    invalid_argument(name, " must be a finite number of at least ", least, "; got ", value);
  return value;
}

double checked_factor(double factor) {
  if (!(factor > 0.0 && std::isfinite(factor)))
    invalid_argument("factor must be a finite number above 0; got ", factor);
  return factor;
}

/// Mean 1.
double log_normal_factor(double sigma, Rng& rng) { return std::exp(sigma * rng.normal() - sigma * sigma / 2); }

}  // namespace

Law constant(double seconds) {
  checked("seconds", seconds, 0.0);
  return {[seconds](const LawContext&, Rng&) { return seconds; }, seconds};
}

Law exponential(double mean) {
  checked("mean", mean, 0.0);
  return {[mean](const LawContext&, Rng& rng) { return -mean * std::log(1.0 - rng.uniform()); }, mean};
}

Law log_normal(double mean, double sigma) {
  checked("mean", mean, 0.0);
  checked("sigma", sigma, 0.0);
  return {[mean, sigma](const LawContext&, Rng& rng) { return mean * log_normal_factor(sigma, rng); }, mean};
}

Law recorded(std::vector<double> seconds, std::vector<std::uint64_t> counts) {
  if (seconds.empty() || seconds.size() != counts.size())
    invalid_argument("recorded seconds must be one or more, with a count each; got ", seconds.size(), " and ",
                     counts.size());
  for (const double each : seconds) checked("recorded seconds", each, 0.0);
  std::vector<double> below(counts.size());
  std::partial_sum(counts.begin(), counts.end(), below.begin(),
                   [](double sum, auto count) { return sum + static_cast<double>(count); });
  const double total = below.back();
  if (!(total > 0.0)) invalid_argument("the counts of recorded seconds must not all be 0");
  double mean = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) mean += seconds[i] * static_cast<double>(counts[i]) / total;
  return {[seconds = std::move(seconds), below = std::move(below), total](const LawContext&, Rng& rng) {
            const auto found = std::upper_bound(below.begin(), below.end(), rng.uniform() * total);
            return seconds[static_cast<std::size_t>(std::min(found, std::prev(below.end())) - below.begin())];
          },
          mean};
}

Law scaled(Law law, std::vector<double> factors) {
  if (factors.empty()) invalid_argument("factors must be one or more; got none");
  for (const double factor : factors) checked_factor(factor);
  const double mean = law.mean;
  return {[law = std::move(law), factors = std::move(factors)](const LawContext& context, Rng& rng) {
            return factors[context.worker % factors.size()] * law.draw(context, rng);
          },
          mean};
}

Law spread(Law law, double sigma) {
  checked("sigma", sigma, 0.0);
  const double mean = law.mean;
  return {[law = std::move(law), sigma](const LawContext& context, Rng& rng) {
            Rng of_worker(context.seed, Stream::worker_speeds, static_cast<std::uint32_t>(context.worker));
            return log_normal_factor(sigma, of_worker) * law.draw(context, rng);
          },
          mean};
}

Law slow_workers(Law law, double factor, std::size_t count) {
  checked_factor(factor);
  const double mean = law.mean;
  return {[law = std::move(law), factor, count](const LawContext& context, Rng& rng) {
            return (context.worker < count ? factor : 1.0) * law.draw(context, rng);
          },
          mean};
}

Law slow_now_and_then(Law law, double factor, double probability) {
  checked_factor(factor);
  if (!(probability >= 0.0 && probability <= 1.0)) invalid_argument("probability must be in [0, 1]; got ", probability);
  const double mean = law.mean;
  return {[law = std::move(law), factor, probability](const LawContext& context, Rng& rng) {
            const double seconds = law.draw(context, rng);
            return rng.uniform() < probability ? factor * seconds : seconds;
          },
          mean};
}

}  // namespace asap::law
