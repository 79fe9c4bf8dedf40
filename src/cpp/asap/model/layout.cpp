// Changes of layout, where images and dense layers meet. The gradient takes the opposite way.
#include "asap/model/stage.h"

namespace asap::model {
namespace {

using Conversion = void (*)(std::size_t samples, std::size_t features, const float* from, float* to);

class LayoutStage final : public Stage {
 public:
  LayoutStage(Conversion there, Conversion back, std::size_t features)
      : there_(there), back_(back), features_(features) {}

  void forward(const Forward& pass) const override { there_(pass.samples, features_, pass.input, pass.output); }
  void backward(const Backward& pass) const override { back_(pass.samples, features_, pass.d_output, pass.d_input); }

 private:
  const Conversion there_, back_;
  const std::size_t features_;
};

}  // namespace

StagePointer make_lanes_from_rows(const kernels::Table& kernels, std::size_t features) {
  return std::make_unique<LayoutStage>(kernels.lanes_from_rows, kernels.rows_from_lanes, features);
}

StagePointer make_rows_from_lanes(const kernels::Table& kernels, std::size_t features) {
  return std::make_unique<LayoutStage>(kernels.rows_from_lanes, kernels.lanes_from_rows, features);
}

}  // namespace asap::model
