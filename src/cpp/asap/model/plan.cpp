// How layers become stages:
// - Relu and Tanh right behind Dense or Conv2d are applied by that layer's kernel; Conv2d, Relu or nothing, and
//   MaxPool2d(2) are one kernel.
// - Dense works on rows, Conv2d and MaxPool2d on lanes, activations on what they get; a change of layout is inserted
//   where two of them meet. Flatten is the change to rows and nothing else: rows hold an image in the order of its
//   features. Inputs are gathered in the layout that the first layer works on.
// - Pooling picks values without changing them, so the derivative of the activation before it may be taken behind it:
//   bit by bit the same gradient, for 1/window² of the work. Dense takes the derivative of a Relu behind Dense while it
//   writes the gradient of its input.
// - A batch passes through the stages in slices whose activations stay in the second-level cache from the forward pass
//   to the backward pass.
#include "asap/model/plan.h"

#include <algorithm>
#include <utility>

#include "asap/core/error.h"
#include "asap/model/shape.h"

namespace asap::model {
namespace {

using kernels::Activation;

template <class Kind>
bool is(const Layer& layer) {
  return std::holds_alternative<Kind>(layer);
}

Activation activation_of(const Layer& layer) {
  return is<Relu>(layer) ? Activation::relu : is<Tanh>(layer) ? Activation::tanh : Activation::identity;
}

/// The layers and which of them are executed together.
class Fusion {
 public:
  explicit Fusion(const std::vector<Layer>& layers) : layers_(layers) {}

  /// Whether the kernel of a layer before executes layer i as well.
  bool is_absorbed(std::size_t i) const {
    return is_absorbed_activation(i) || (i > 0 && is_pooled_at(i - 1, i)) || (i > 1 && is_pooled_at(i - 2, i));
  }
  /// The activation that layer i, a Dense or Conv2d, applies.
  Activation activation_behind(std::size_t i) const {
    return i + 1 < layers_.size() ? activation_of(layers_[i + 1]) : Activation::identity;
  }
  /// Whether layer i, a Conv2d, executes the pooling behind it and its activation.
  bool is_pooled(std::size_t i) const { return is_pooled_at(i, pooling_behind(i)); }
  /// Which stage takes the derivative of the activation that layer i applies.
  Derivative derivative(std::size_t i) const {
    const bool behind = i + 2 < layers_.size() && activation_before(i + 2) != Activation::identity;
    return behind ? Derivative::behind : Derivative::here;
  }
  /// The activation whose derivative layer i takes over.
  Activation activation_before(std::size_t i) const {
    if (i < 2 || !is_absorbed_activation(i - 1)) return Activation::identity;
    const Activation activation = activation_of(layers_[i - 1]);
    const bool pools = is<Conv2d>(layers_[i - 2]) && is<MaxPool2d>(layers_[i]);
    const bool masks = is<Dense>(layers_[i - 2]) && is<Dense>(layers_[i]) && activation == Activation::relu;
    return pools || masks ? activation : Activation::identity;
  }

 private:
  bool is_absorbed_activation(std::size_t i) const {
    return i > 0 && activation_of(layers_[i]) != Activation::identity &&
           (is<Dense>(layers_[i - 1]) || is<Conv2d>(layers_[i - 1]));
  }
  std::size_t pooling_behind(std::size_t i) const {
    return activation_behind(i) == Activation::identity ? i + 1 : i + 2;
  }
  bool is_pooled_at(std::size_t i, std::size_t pooling) const {
    return is<Conv2d>(layers_[i]) && pooling == pooling_behind(i) && pooling < layers_.size() &&
           activation_behind(i) != Activation::tanh && is<MaxPool2d>(layers_[pooling]) &&
           std::get<MaxPool2d>(layers_[pooling]).window == 2;
  }

  const std::vector<Layer>& layers_;
};

/// Bytes of activations in a slice: about a second-level cache, but the same on every machine, since a gradient's bits
/// depend on it.
constexpr std::size_t kSliceBytes = 1024 * 1024;
constexpr std::size_t kLeastSlice = 32;  // fewer samples starve the products of dense layers

/// How many samples pass through the stages together.
std::size_t slice_of(const Plan& plan) {
  std::size_t bytes = 0;
  for (const Extent& extent : plan.extents) bytes += extent.features * sizeof(float);
  return std::max(kLeastSlice, kSliceBytes / bytes / kLeastSlice * kLeastSlice);
}

class Planner {
 public:
  explicit Planner(Plan& plan) : plan_(plan), fusion_(plan.layers), shape_(plan.input) {
    const bool starts_on_lanes = !plan.layers.empty() && (is<Conv2d>(plan.layers[0]) || is<MaxPool2d>(plan.layers[0]));
    plan_.extents.push_back({starts_on_lanes ? Layout::lanes : Layout::rows, shape_.size(), plan_.kernels.lanes});
  }

  void run() {
    for (std::size_t i = 0; i < plan_.layers.size(); ++i) add(i);
    change_layout(Layout::rows);
    plan_.num_outputs = shape_.size();
    plan_.slice = slice_of(plan_);
  }

 private:
  void add(std::size_t i) {
    const Layer& layer = plan_.layers[i];
    const Shape after = output_shape(i, layer, shape_);
    if (!fusion_.is_absorbed(i)) std::visit([&](const auto& kind) { add(i, kind); }, layer);
    shape_ = after;
  }

  void add(std::size_t i, const Dense& dense) {
    change_layout(Layout::rows);
    const std::size_t offset = add_parameters(i);
    append(make_dense(plan_.kernels, shape_.size(), dense.units, offset, fusion_.activation_behind(i),
                      fusion_.derivative(i), fusion_.activation_before(i)),
           Layout::rows, dense.units);
  }

  void add(std::size_t i, const Conv2d& layer) {
    change_layout(Layout::lanes);
    const std::size_t offset = add_parameters(i);
    const kernels::Convolution convolution{shape_.channels, shape_.height, shape_.width, layer.filters, layer.window};
    const auto activation = fusion_.activation_behind(i);
    if (fusion_.is_pooled(i))
      append(make_pooled_convolution(plan_.kernels, convolution, offset, activation), Layout::lanes,
             convolution.filters * (convolution.out_height() / 2) * (convolution.out_width() / 2));
    else
      append(make_convolution(plan_.kernels, convolution, offset, activation, fusion_.derivative(i)), Layout::lanes,
             convolution.outputs());
  }

  void add(std::size_t i, const MaxPool2d& layer) {
    change_layout(Layout::lanes);
    const kernels::Pooling pooling{shape_.channels, shape_.height, shape_.width, layer.window};
    append(make_pooling(plan_.kernels, pooling, fusion_.activation_before(i)), Layout::lanes, pooling.outputs());
  }

  void add(std::size_t, const Relu&) { add_activation(Activation::relu); }
  void add(std::size_t, const Tanh&) { add_activation(Activation::tanh); }
  void add(std::size_t, const Flatten&) { change_layout(Layout::rows); }

  void add_activation(Activation activation) {
    const Extent extent = plan_.extents.back();
    append(make_activation(plan_.kernels, activation, extent), extent.layout, extent.features);
  }

  void change_layout(Layout wanted) {
    if (plan_.extents.back().layout == wanted) return;
    const auto make = wanted == Layout::lanes ? make_lanes_from_rows : make_rows_from_lanes;
    append(make(plan_.kernels, shape_.size()), wanted, shape_.size());
  }

  /// Adds the parameters of layer i, whose stage is appended next, and returns their offset.
  std::size_t add_parameters(std::size_t i) {
    if (plan_.parameters.empty()) plan_.first_trained = plan_.stages.size();
    const std::size_t offset = plan_.num_parameters;
    for (auto& parameter : layer_parameters(i, plan_.layers[i], shape_, offset)) {
      plan_.num_parameters += size(parameter);
      plan_.parameters.push_back(std::move(parameter));
    }
    return offset;
  }

  void append(StagePointer stage, Layout layout, std::size_t features) {
    plan_.stages.push_back(std::move(stage));
    plan_.extents.push_back({layout, features, plan_.kernels.lanes});
  }

  Plan& plan_;
  const Fusion fusion_;
  Shape shape_;  ///< what the layer at hand gets
};

}  // namespace

Plan make_plan(Shape input, std::vector<Layer> layers, Loss loss, const kernels::Table& kernels) {
  if (input.size() == 0) invalid_argument("the input shape is ", input, "; accepted are extents from 1 on");
  Plan plan{.kernels = kernels, .input = input, .layers = std::move(layers), .loss = loss};
  Planner(plan).run();
  if (plan.num_parameters == 0)
    invalid_argument("none of the ", plan.layers.size(), " layers has parameters; a network needs a Dense or a Conv2d");
  return plan;
}

}  // namespace asap::model
