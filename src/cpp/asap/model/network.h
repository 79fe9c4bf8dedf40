// Sequential networks on one flat float32 parameter vector.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "asap/data/dataset.h"
#include "asap/kernels/kernels.h"
#include "asap/model/objective.h"

namespace asap {

namespace model {
struct Plan;
}

// What a layer is: plain values. `Network` turns them into code.
struct Dense {
  std::size_t units = 0;
};
struct Conv2d {
  std::size_t filters = 0, window = 0;
};
struct MaxPool2d {
  std::size_t window = 0;
};
struct Relu {};
struct Tanh {};
struct Flatten {};
using Layer = std::variant<Dense, Conv2d, MaxPool2d, Relu, Tanh, Flatten>;

enum class Loss { softmax_cross_entropy, mean_squared_error };

/// Starting values. papers: weights and biases from N(0, 0.01²). he: weights from N(0, 2/inputs), biases 0.
/// glorot: weights uniform in ±√(6/(inputs+outputs)), biases 0. (inputs and outputs: fan-in and fan-out)
enum class Initialiser { papers, he, glorot };

/// A named part of the parameter vector.
struct Parameter {
  std::string name;  ///< "<position>.<layer>.weight" or ".bias", position counted over all layers from 0
  std::vector<std::size_t> shape;
  std::size_t offset = 0;
};

/// A chain of layers with a loss. Immutable; thread-safe.
class Network {
 public:
  /// Throws std::invalid_argument that names the layer when shapes do not fit. A Dense layer behind an image flattens
  /// it.
  Network(Shape input, std::vector<Layer> layers, Loss loss, const kernels::Table& table = kernels::active());
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  Shape input() const;
  std::size_t num_outputs() const;
  std::size_t num_parameters() const;
  Loss loss() const;
  const std::vector<Layer>& layers() const;
  const std::vector<Parameter>& parameters() const;

  /// Fills theta (num_parameters() floats) from the seed. The same seed gives the same values on every machine (rng.h
  /// says how exactly); each parameter has a stream of its own.
  void initialise(Initialiser, std::uint64_t seed, std::span<float> theta) const;

  /// A workspace for batches of up to max_batch samples, to be made by the thread that uses it.
  std::unique_ptr<Workspace> workspace(std::size_t max_batch) const;
  /// One that holds the activations of a whole batch, for `forward` and `add_gradient`.
  std::unique_ptr<Workspace> fused_workspace(std::size_t max_batch) const;

  /// Outputs of the given samples, [indices.size()][num_outputs()]: probabilities under softmax cross-entropy.
  void predict(const float* theta, const SampleArray& inputs, std::span<const std::uint64_t> indices, Workspace&,
               float* outputs) const;
  /// As the functions of FusibleObjective; `next` is Batch::next. The data set must have passed `check`.
  double gradient(const float* theta, const Dataset&, std::span<const std::uint64_t> indices, Workspace&,
                  float* gradient, std::span<const std::uint64_t> next = {}) const;
  double forward(const float* theta, const Dataset&, std::span<const std::uint64_t> indices, Workspace&,
                 std::span<const std::uint64_t> next = {}) const;
  void add_gradient(const float* theta, float factor, Workspace&, float* sum) const;
  Metrics evaluate(const float* theta, const Dataset&, std::span<const std::uint64_t> indices, Workspace&) const;

  /// Throws std::invalid_argument when the data set does not fit: shape, kind of target, label range.
  void check(const Dataset&) const;

 private:
  std::unique_ptr<const model::Plan> plan_;
};

/// A network bound to a data set: the objective that workers minimise. Both must outlive it.
class NetworkObjective final : public FusibleObjective {
 public:
  NetworkObjective(const Network& network, const Dataset& dataset);  ///< checks that they fit

  std::size_t num_parameters() const override;
  std::size_t num_samples() const override;
  std::unique_ptr<Workspace> workspace(std::size_t max_batch) const override;
  std::unique_ptr<Workspace> fused_workspace(std::size_t max_batch) const override;
  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override;
  double forward(const float* theta, const Batch& batch, Workspace* workspace) const override;
  void add_gradient(const float* theta, float factor, Workspace* workspace, float* sum) const override;
  Metrics evaluate(const float* theta, const Batch& batch, Workspace* workspace) const override;

 private:
  const Network& network_;
  const Dataset& dataset_;
};

}  // namespace asap
