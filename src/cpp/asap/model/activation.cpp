// An activation as a pass of its own, in either layout.
#include "asap/model/stage.h"

namespace asap::model {
namespace {

using kernels::Activation;

class ActivationStage final : public Stage {
 public:
  ActivationStage(const kernels::Table& kernels, Activation activation, Extent extent)
      : kernels_(kernels), activation_(activation), extent_(extent) {}

  void forward(const Forward& pass) const override {
    kernels_.activate(activation_, extent_.floats(pass.samples), pass.input, pass.output);
  }

  void backward(const Backward& pass) const override {
    kernels_.activate_backward(activation_, extent_.floats(pass.samples), pass.output, pass.d_output, pass.d_input);
  }

 private:
  const kernels::Table& kernels_;
  const Activation activation_;
  const Extent extent_;
};

}  // namespace

StagePointer make_activation(const kernels::Table& kernels, Activation activation, Extent extent) {
  return std::make_unique<ActivationStage>(kernels, activation, extent);
}

}  // namespace asap::model
