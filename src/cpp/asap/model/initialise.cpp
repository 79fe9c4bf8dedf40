// Starting values. Every parameter draws from a stream of its own, so that its start depends on the seed, on its place
// in the list and on its own shape, but not on the sizes of the others.
#include <cmath>

#include "asap/core/error.h"
#include "asap/core/rng.h"
#include "asap/model/plan.h"
#include "asap/model/shape.h"

namespace asap {
namespace {

/// Numbers of connections into and out of one unit, from the shape of a weight: [inputs][outputs], or
/// [filter][channel][row][column].
struct Fan {
  double in, out;
};

Fan fan_of(const std::vector<std::size_t>& shape) {
  if (shape.size() == 2) return {static_cast<double>(shape[0]), static_cast<double>(shape[1])};
  const auto window = static_cast<double>(shape[2] * shape[3]);
  return {static_cast<double>(shape[1]) * window, static_cast<double>(shape[0]) * window};
}

void fill_normal(std::span<float> values, double deviation, Rng rng) {
  for (float& value : values) value = static_cast<float>(deviation * rng.normal());
}

void fill_uniform(std::span<float> values, double limit, Rng rng) {
  for (float& value : values) value = static_cast<float>(limit * (2 * rng.uniform() - 1));
}

void fill(const Parameter& parameter, Initialiser initialiser, Rng rng, std::span<float> values) {
  const bool is_bias = parameter.shape.size() == 1;
  if (initialiser == Initialiser::papers) return fill_normal(values, 0.01, rng);
  if (is_bias) return fill_uniform(values, 0, rng);
  const auto [in, out] = fan_of(parameter.shape);
  if (initialiser == Initialiser::he) return fill_normal(values, std::sqrt(2 / in), rng);
  fill_uniform(values, std::sqrt(6 / (in + out)), rng);
}

}  // namespace

void Network::initialise(Initialiser initialiser, std::uint64_t seed, std::span<float> theta) const {
  if (theta.size() != num_parameters())
    invalid_argument("theta has ", theta.size(), " components; the network has ", num_parameters(), " parameters");
  std::uint32_t index = 0;
  for (const auto& parameter : parameters())
    fill(parameter, initialiser, Rng(seed, Stream::initial_values, index++),
         theta.subspan(parameter.offset, model::size(parameter)));
}

}  // namespace asap
