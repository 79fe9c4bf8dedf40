// The max-pooling layer.
#include "asap/model/stage.h"

namespace asap::model {
namespace {

using kernels::Activation;

class PoolingStage final : public Stage {
 public:
  PoolingStage(const kernels::Table& kernels, const kernels::Pooling& shape, Activation before)
      : kernels_(kernels), shape_(shape), output_{Layout::lanes, shape.outputs(), kernels.lanes}, before_(before) {}

  void forward(const Forward& pass) const override {
    kernels_.pool_forward(shape_, output_.groups(pass.samples), pass.input, pass.output);
  }

  void backward(const Backward& pass) const override {
    if (before_ != Activation::identity)
      kernels_.activate_backward(before_, output_.floats(pass.samples), pass.output, pass.d_output, pass.d_output);
    kernels_.pool_backward(shape_, output_.groups(pass.samples), pass.input, pass.output, pass.d_output, pass.d_input);
  }

 private:
  const kernels::Table& kernels_;
  const kernels::Pooling shape_;
  const Extent output_;
  const Activation before_;
};

}  // namespace

StagePointer make_pooling(const kernels::Table& kernels, const kernels::Pooling& shape, Activation before) {
  return std::make_unique<PoolingStage>(kernels, shape, before);
}

}  // namespace asap::model
