// The dense layer: three matrix products and a column sum.
#include <algorithm>

#include "asap/model/stage.h"

namespace asap::model {
namespace {

using kernels::Activation;
using kernels::Gemm;

class DenseStage final : public Stage {
 public:
  DenseStage(const kernels::Table& kernels, std::size_t inputs, std::size_t units, std::size_t offset,
             Activation activation, Derivative derivative, Activation before)
      : kernels_(kernels),
        inputs_(inputs),
        units_(units),
        offset_(offset),
        activation_(activation),
        differentiates_activation_(activation != Activation::identity && derivative == Derivative::here),
        masks_input_(before == Activation::relu) {}

  std::size_t scratch(std::size_t samples) const override {
    return std::max({kernels_.gemm_scratch(product(samples)), kernels_.gemm_scratch(weight_gradient(samples)),
                     kernels_.gemm_scratch(input_gradient(samples))});
  }

  void forward(const Forward& pass) const override {
    Gemm gemm = product(pass.samples);
    gemm.a = pass.input;
    gemm.b = pass.theta + offset_;
    gemm.bias = pass.theta + bias_offset();
    gemm.activation = activation_;
    gemm.c = pass.output;
    gemm.scratch = pass.scratch;
    kernels_.gemm(gemm);
  }

  void backward(const Backward& pass) const override {
    if (differentiates_activation_)
      kernels_.activate_backward(activation_, pass.samples * units_, pass.output, pass.d_output, pass.d_output);
    if (pass.d_input) differentiate_input(pass);
    differentiate_weights(pass);
    kernels_.bias_gradient(pass.samples, units_, pass.d_output, pass.write, pass.gradient + bias_offset());
  }

 private:
  std::size_t bias_offset() const { return offset_ + inputs_ * units_; }

  Gemm product(std::size_t samples) const { return {.m = samples, .n = units_, .k = inputs_}; }
  Gemm weight_gradient(std::size_t samples) const {
    return {.transpose_a = true, .m = inputs_, .n = units_, .k = samples};
  }
  Gemm input_gradient(std::size_t samples) const {
    return {.transpose_b = true, .m = samples, .n = inputs_, .k = units_};
  }

  void differentiate_weights(const Backward& pass) const {
    Gemm gemm = weight_gradient(pass.samples);
    gemm.a = pass.input;
    gemm.b = pass.d_output;
    gemm.write = pass.write;
    gemm.c = pass.gradient + offset_;
    gemm.scratch = pass.scratch;
    kernels_.gemm(gemm);
  }

  void differentiate_input(const Backward& pass) const {
    Gemm gemm = input_gradient(pass.samples);
    gemm.a = pass.d_output;
    gemm.b = pass.theta + offset_;
    if (masks_input_) gemm.mask = pass.input;
    gemm.c = pass.d_input;
    gemm.scratch = pass.scratch;
    kernels_.gemm(gemm);
  }

  const kernels::Table& kernels_;
  const std::size_t inputs_, units_, offset_;
  const Activation activation_;
  const bool differentiates_activation_, masks_input_;
};

}  // namespace

StagePointer make_dense(const kernels::Table& kernels, std::size_t inputs, std::size_t units, std::size_t offset,
                        Activation activation, Derivative derivative, Activation before) {
  return std::make_unique<DenseStage>(kernels, inputs, units, offset, activation, derivative, before);
}

}  // namespace asap::model
