// Stages: what a network executes, one after the other. A stage is one layer (with the activation behind it, where the
// kernel can apply it on the way) or a change of layout. The functions below make them.
// Thread-safety: stages are immutable; the arrays they work on belong to the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "asap/kernels/kernels.h"

namespace asap::model {

enum class Layout { rows, lanes };

/// Size of one activation array: `features` numbers per sample in one of the two layouts of kernels.h.
struct Extent {
  Layout layout = Layout::rows;
  std::size_t features = 0;
  std::size_t lanes = 1;  ///< samples per group in the lanes layout

  constexpr std::size_t groups(std::size_t samples) const { return (samples + lanes - 1) / lanes; }
  constexpr std::size_t floats(std::size_t samples) const {
    return features * (layout == Layout::rows ? samples : groups(samples) * lanes);
  }
};

/// Arguments of a forward pass through one stage.
struct Forward {
  std::size_t samples = 0;
  const float* theta = nullptr;  ///< the whole parameter vector
  const float* input = nullptr;
  float* output = nullptr;
  std::int16_t* winners = nullptr;  ///< of a pooled convolution, for its backward pass
  float* scratch = nullptr;
};

/// Arguments of a backward pass through one stage.
struct Backward {
  std::size_t samples = 0;
  const float* theta = nullptr;
  const float* input = nullptr;
  const float* output = nullptr;          ///< as the forward pass left it
  const std::int16_t* winners = nullptr;  ///< likewise
  float* d_output = nullptr;              ///< may be overwritten
  float* d_input = nullptr;               ///< nullptr for the first stage with parameters: nothing before it learns
  float* gradient = nullptr;  ///< of the whole parameter vector; a stage writes every component of its own part
  kernels::Write write = kernels::Write::replace;
  float* scratch = nullptr;
};

class Stage {
 public:
  virtual ~Stage() = default;
  /// Floats of scratch that either pass needs for that many samples.
  virtual std::size_t scratch(std::size_t samples) const { return samples * 0; }
  /// Numbers of winners for that many samples.
  virtual std::size_t winners(std::size_t samples) const { return samples * 0; }
  virtual void forward(const Forward&) const = 0;
  /// The gradient may lie in theta itself: a stage writes its part after it read it for the last time.
  virtual void backward(const Backward&) const = 0;
};

using StagePointer = std::unique_ptr<const Stage>;

/// Which stage multiplies by the derivative of an activation in the backward pass: the one that applied it, or the one
/// behind, on the way (see plan.cpp).
enum class Derivative { here, behind };

/// output = activation(input·W + b) on rows; W [inputs][units] and b [units] start at theta[offset]. Backward
/// multiplies by the derivative of `before`, the activation that produced its input: identity or relu.
StagePointer make_dense(const kernels::Table&, std::size_t inputs, std::size_t units, std::size_t offset,
                        kernels::Activation, Derivative, kernels::Activation before);

/// output = activation(convolution + bias) on lanes; the weights and then the biases start at theta[offset].
StagePointer make_convolution(const kernels::Table&, const kernels::Convolution&, std::size_t offset,
                              kernels::Activation, Derivative);

/// A convolution and the max pooling over squares of 2×2 behind it; the activation is identity or relu.
StagePointer make_pooled_convolution(const kernels::Table&, const kernels::Convolution&, std::size_t offset,
                                     kernels::Activation);

/// Max pooling on lanes. Backward multiplies by the derivative of `before`, the activation that produced its input.
StagePointer make_pooling(const kernels::Table&, const kernels::Pooling&, kernels::Activation before);

/// An element-wise activation that follows no Dense or Conv2d.
StagePointer make_activation(const kernels::Table&, kernels::Activation, Extent);

StagePointer make_lanes_from_rows(const kernels::Table&, std::size_t features);
StagePointer make_rows_from_lanes(const kernels::Table&, std::size_t features);

}  // namespace asap::model
