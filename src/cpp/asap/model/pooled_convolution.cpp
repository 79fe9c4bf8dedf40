// A convolution with the pooling behind it in one: its full output is never stored.
#include "asap/model/stage.h"

namespace asap::model {
namespace {

using kernels::Activation;

class PooledConvolutionStage final : public Stage {
 public:
  PooledConvolutionStage(const kernels::Table& kernels, const kernels::Convolution& shape, std::size_t offset,
                         Activation activation)
      : kernels_(kernels),
        shape_(shape),
        output_{Layout::lanes, shape.filters * (shape.out_height() / 2) * (shape.out_width() / 2), kernels.lanes},
        offset_(offset),
        activation_(activation) {}

  std::size_t scratch(std::size_t) const override { return kernels_.conv_pool_backward_scratch(shape_); }
  std::size_t winners(std::size_t samples) const override { return output_.floats(samples); }

  void forward(const Forward& pass) const override {
    kernels_.conv_pool_forward(shape_, output_.groups(pass.samples), pass.input, pass.theta + offset_,
                               pass.theta + bias_offset(), activation_, pass.output, pass.winners);
  }

  void backward(const Backward& pass) const override {
    kernels_.conv_pool_backward(shape_, output_.groups(pass.samples), pass.input, pass.winners, pass.d_output,
                                pass.theta + offset_, pass.write, pass.gradient + offset_,
                                pass.gradient + bias_offset(), pass.d_input, pass.scratch);
  }

 private:
  std::size_t bias_offset() const { return offset_ + shape_.weights(); }

  const kernels::Table& kernels_;
  const kernels::Convolution shape_;
  const Extent output_;
  const std::size_t offset_;
  const Activation activation_;
};

}  // namespace

StagePointer make_pooled_convolution(const kernels::Table& kernels, const kernels::Convolution& shape,
                                     std::size_t offset, Activation activation) {
  return std::make_unique<PooledConvolutionStage>(kernels, shape, offset, activation);
}

}  // namespace asap::model
