// The convolution layer.
#include "asap/model/stage.h"

namespace asap::model {
namespace {

using kernels::Activation;

class ConvolutionStage final : public Stage {
 public:
  ConvolutionStage(const kernels::Table& kernels, const kernels::Convolution& shape, std::size_t offset,
                   Activation activation, Derivative derivative)
      : kernels_(kernels),
        shape_(shape),
        output_{Layout::lanes, shape.outputs(), kernels.lanes},
        offset_(offset),
        activation_(activation),
        differentiates_activation_(activation != Activation::identity && derivative == Derivative::here) {}

  std::size_t scratch(std::size_t) const override { return kernels_.conv_backward_scratch(shape_); }

  void forward(const Forward& pass) const override {
    kernels_.conv_forward(shape_, output_.groups(pass.samples), pass.input, pass.theta + offset_,
                          pass.theta + bias_offset(), activation_, pass.output);
  }

  void backward(const Backward& pass) const override {
    const std::size_t groups = output_.groups(pass.samples);
    if (differentiates_activation_)
      kernels_.activate_backward(activation_, output_.floats(pass.samples), pass.output, pass.d_output, pass.d_output);
    if (pass.d_input)
      kernels_.conv_backward_data(shape_, groups, pass.d_output, pass.theta + offset_, pass.d_input, pass.scratch);
    kernels_.conv_backward_weights(shape_, groups, pass.input, pass.d_output, pass.write, pass.gradient + offset_,
                                   pass.gradient + bias_offset(), pass.scratch);
  }

 private:
  std::size_t bias_offset() const { return offset_ + shape_.weights(); }

  const kernels::Table& kernels_;
  const kernels::Convolution shape_;
  const Extent output_;
  const std::size_t offset_;
  const Activation activation_;
  const bool differentiates_activation_;
};

}  // namespace

StagePointer make_convolution(const kernels::Table& kernels, const kernels::Convolution& shape, std::size_t offset,
                              Activation activation, Derivative derivative) {
  return std::make_unique<ConvolutionStage>(kernels, shape, offset, activation, derivative);
}

}  // namespace asap::model
