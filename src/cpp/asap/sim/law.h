// Laws of virtual time: how many seconds a gradient or a publication takes.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "asap/core/rng.h"

namespace asap {

/// Whose seconds are drawn. What is drawn once for a worker comes from the seed and its number.
struct LawContext {
  std::uint64_t seed = 0;
  std::size_t worker = 0;
};

/// Draws seconds, the next ones of a worker from its own sequence of random numbers: they depend neither on what other
/// workers draw nor on when. Immutable; a plain value.
struct Law {
  std::function<double(const LawContext&, Rng&)> draw;
  double mean = 0;  ///< seconds, of a worker that is like most
};

namespace law {

/// Always the same, at least 0.
Law constant(double seconds);
/// Density e^(−x/mean)/mean.
Law exponential(double mean);
/// mean · e^(σZ − σ²/2) with Z standard normal, σ ≥ 0 the standard deviation of the logarithm.
Law log_normal(double mean, double sigma);
/// One of these, with probabilities in proportion to the counts (at least one above 0).
Law recorded(std::vector<double> seconds, std::vector<std::uint64_t> counts);
/// Worker w takes factors[w mod size] times as long, always.
Law scaled(Law law, std::vector<double> factors);
/// Each worker takes e^(σZ − σ²/2) times as long, always, with Z drawn once.
Law spread(Law law, double sigma);
/// Workers 0 … count − 1 take `factor` times as long, always.
Law slow_workers(Law law, double factor, std::size_t count);
/// Whatever is drawn takes `factor` times as long with this probability.
Law slow_now_and_then(Law law, double factor, double probability);

}  // namespace law

}  // namespace asap
