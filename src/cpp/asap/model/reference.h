// The reference of Network: its layers one by one as the naive loops of kernels/reference.h, for any scalar type.
// Nothing is fused, converted or skipped, and everything is allocated anew: slow, and easy to see through.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "asap/kernels/reference.h"
#include "asap/model/network.h"
#include "asap/model/shape.h"

namespace asap::model::reference {

using kernels::Activation;
using kernels::Convolution;
using kernels::Pooling;
namespace naive = kernels::reference;

/// Inputs [samples][features] with labels or targets [samples][outputs], whichever the loss wants.
template <class T>
struct Batch {
  std::size_t samples = 0;
  std::vector<T> inputs;
  std::vector<std::int32_t> labels;
  std::vector<T> targets;
};

template <class T>
struct Gradients {
  T loss = 0;                 ///< mean over the batch
  std::vector<T> parameters;  ///< of the mean loss
  std::vector<T> inputs;      ///< of the mean loss
};

template <class T>
class Network {
 public:
  Network(Shape input, std::vector<Layer> layers, Loss loss) : layers_(std::move(layers)), loss_(loss), shapes_{input} {
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      offsets_.push_back(num_parameters_);
      for (const auto& parameter : layer_parameters(i, layers_[i], shapes_[i], num_parameters_)) {
        num_parameters_ += size(parameter);
        parameters_.push_back(parameter);
      }
      shapes_.push_back(output_shape(i, layers_[i], shapes_[i]));
    }
  }

  std::size_t num_parameters() const { return num_parameters_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  std::size_t num_outputs() const { return shapes_.back().size(); }

  /// The inputs of all layers and, at the end, the network's outputs.
  std::vector<std::vector<T>> activations(const std::vector<T>& theta, const Batch<T>& batch) const {
    std::vector<std::vector<T>> all{batch.inputs};
    for (std::size_t i = 0; i < layers_.size(); ++i) all.push_back(forward(i, theta, batch.samples, all.back()));
    return all;
  }

  T loss(const std::vector<T>& theta, const Batch<T>& batch) const {
    return loss_at(activations(theta, batch).back(), batch, nullptr);
  }

  Gradients<T> gradients(const std::vector<T>& theta, const Batch<T>& batch) const {
    const auto all = activations(theta, batch);
    Gradients<T> result{0, std::vector<T>(num_parameters_), std::vector<T>(all.back().size())};
    result.loss = loss_at(all.back(), batch, result.inputs.data());
    for (std::size_t i = layers_.size(); i-- > 0;)
      result.inputs = backward(i, theta, batch.samples, all[i], all[i + 1], result.inputs, result.parameters.data());
    return result;
  }

  /// Which side of every kink the batch is on: the active units of Relu and the maxima of MaxPool2d.
  std::vector<std::size_t> sides(const std::vector<T>& theta, const Batch<T>& batch) const {
    const auto all = activations(theta, batch);
    std::vector<std::size_t> sides;
    for (std::size_t i = 0; i < layers_.size(); ++i)
      if (const auto* pool = std::get_if<MaxPool2d>(&layers_[i]))
        add_maxima(pooling(i, *pool), batch.samples, all[i], sides);
      else if (std::holds_alternative<Relu>(layers_[i]))
        for (const T value : all[i]) sides.push_back(value > 0);
    return sides;
  }

 private:
  Convolution convolution(std::size_t i, const Conv2d& layer) const {
    return {shapes_[i].channels, shapes_[i].height, shapes_[i].width, layer.filters, layer.window};
  }
  Pooling pooling(std::size_t i, const MaxPool2d& layer) const {
    return {shapes_[i].channels, shapes_[i].height, shapes_[i].width, layer.window};
  }

  std::vector<T> forward(std::size_t i, const std::vector<T>& theta, std::size_t samples,
                         const std::vector<T>& in) const {
    std::vector<T> out(samples * shapes_[i + 1].size());
    const T* weights = theta.data() + offsets_[i];
    std::visit(Overloaded{[&](const Dense& dense) {
                            const std::size_t inputs = shapes_[i].size();
                            naive::dense_forward(samples, inputs, dense.units, in.data(), weights,
                                                 weights + inputs * dense.units, Activation::identity, out.data());
                          },
                          [&](const Conv2d& layer) {
                            const auto c = convolution(i, layer);
                            naive::conv_forward(c, samples, in.data(), weights, weights + c.weights(),
                                                Activation::identity, out.data());
                          },
                          [&](const MaxPool2d& layer) {
                            naive::pool_forward(pooling(i, layer), samples, in.data(), out.data());
                          },
                          [&](const Relu&) { naive::activate(Activation::relu, in.size(), in.data(), out.data()); },
                          [&](const Tanh&) { naive::activate(Activation::tanh, in.size(), in.data(), out.data()); },
                          [&](const Flatten&) { out = in; }},
               layers_[i]);
    return out;
  }

  std::vector<T> backward(std::size_t i, const std::vector<T>& theta, std::size_t samples, const std::vector<T>& in,
                          const std::vector<T>& out, const std::vector<T>& d_out, T* gradient) const {
    std::vector<T> d_in(in.size());
    const T* weights = theta.data() + offsets_[i];
    T* d_weights = gradient + offsets_[i];
    std::visit(
        Overloaded{[&](const Dense& dense) {
                     const std::size_t inputs = shapes_[i].size();
                     naive::dense_backward_weights(samples, inputs, dense.units, in.data(), d_out.data(), d_weights,
                                                   d_weights + inputs * dense.units);
                     naive::dense_backward_data(samples, inputs, dense.units, d_out.data(), weights, d_in.data());
                   },
                   [&](const Conv2d& layer) {
                     const auto c = convolution(i, layer);
                     naive::conv_backward_weights(c, samples, in.data(), d_out.data(), d_weights,
                                                  d_weights + c.weights());
                     naive::conv_backward_data(c, samples, d_out.data(), weights, d_in.data());
                   },
                   [&](const MaxPool2d& layer) {
                     naive::pool_backward(pooling(i, layer), samples, in.data(), d_out.data(), d_in.data());
                   },
                   [&](const Relu&) {
                     naive::activate_backward(Activation::relu, in.size(), out.data(), d_out.data(), d_in.data());
                   },
                   [&](const Tanh&) {
                     naive::activate_backward(Activation::tanh, in.size(), out.data(), d_out.data(), d_in.data());
                   },
                   [&](const Flatten&) { d_in = d_out; }},
        layers_[i]);
    return d_in;
  }

  /// The mean loss; d_outputs, unless nullptr, becomes its gradient.
  T loss_at(const std::vector<T>& outputs, const Batch<T>& batch, T* d_outputs) const {
    const T weight = T(1) / static_cast<T>(batch.samples);
    const T sum = loss_ == Loss::softmax_cross_entropy
                      ? naive::softmax_cross_entropy(batch.samples, num_outputs(), outputs.data(), batch.labels.data(),
                                                     weight, d_outputs)
                      : naive::squared_error(batch.samples, num_outputs(), outputs.data(), batch.targets.data(), weight,
                                             d_outputs);
    return sum * weight;
  }

  static void add_maxima(const Pooling& p, std::size_t samples, const std::vector<T>& in,
                         std::vector<std::size_t>& sides) {
    for (std::size_t s = 0; s < samples; ++s)
      for (std::size_t o = 0; o < p.outputs(); ++o)
        sides.push_back(naive::first_maximum(p, in.data() + s * p.inputs(), o));
  }

  std::vector<Layer> layers_;
  Loss loss_;
  std::vector<Shape> shapes_;  ///< [i] the input of layer i, and at the end the outputs
  std::vector<std::size_t> offsets_;
  std::size_t num_parameters_ = 0;
  std::vector<Parameter> parameters_;
};

}  // namespace asap::model::reference
