#include <memory>

#include "asap/data/batch_source.h"
#include "bindings.h"

namespace asap::bindings {
namespace {

ElementType element_type(const py::array& inputs) {
  if (py::isinstance<py::array_t<std::uint8_t>>(inputs)) return ElementType::uint8;
  if (py::isinstance<py::array_t<float>>(inputs)) return ElementType::float32;
  if (py::isinstance<py::array_t<double>>(inputs)) return ElementType::float64;
  throw py::type_error("inputs must be uint8, float32 or float64; got " + py::str(inputs.dtype()).cast<std::string>());
}

/// (n, features), (n, h, w) or (n, h, w, c), with any strides.
SampleArray view_inputs(const py::array& inputs) {
  if (inputs.ndim() < 2 || inputs.ndim() > 4)
    invalid_argument("inputs must have 2 to 4 dimensions, samples first; got ", inputs.ndim());
  const auto extent = [&](int axis) { return static_cast<std::size_t>(inputs.shape(axis)); };
  SampleArray view;
  view.data = static_cast<const std::byte*>(inputs.data());
  view.type = element_type(inputs);
  view.count = extent(0);
  view.sample_stride = inputs.strides(0);
  if (inputs.ndim() == 2) {
    view.shape = {extent(1), 1, 1};
    view.channel_stride = inputs.strides(1);
    return view;
  }
  view.shape = {inputs.ndim() == 4 ? extent(3) : 1, extent(1), extent(2)};
  view.row_stride = inputs.strides(1);
  view.column_stride = inputs.strides(2);
  view.channel_stride = inputs.ndim() == 4 ? inputs.strides(3) : 0;
  return view;
}

template <class T>
std::span<const T> elements(const Contiguous<T>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

void check_length(const char* name, py::ssize_t length, std::size_t samples) {
  if (static_cast<std::size_t>(length) != samples)
    invalid_argument(name, " must have one entry per sample, ", samples, "; got ", length);
}

ArrayDataset make_dataset(const py::array& inputs, const std::optional<Contiguous<std::int32_t>>& labels,
                          const std::optional<Contiguous<float>>& targets) {
  ArrayDataset dataset{inputs, py::none(), py::none(), {}};
  dataset.view.inputs = view_inputs(inputs);
  if (labels) {
    check_length("labels", labels->shape(0), dataset.view.size());
    dataset.labels = *labels;
    dataset.view.labels = elements(*labels);
  }
  if (targets) {
    if (targets->ndim() != 2) invalid_argument("targets must have 2 dimensions; got ", targets->ndim());
    check_length("targets", targets->shape(0), dataset.view.size());
    dataset.targets = *targets;
    dataset.view.targets = elements(*targets);
    dataset.view.target_size = static_cast<std::size_t>(targets->shape(1));
  }
  return dataset;
}

std::unique_ptr<BatchSource> make_order(std::uint64_t samples, std::uint64_t batch_size, std::uint64_t seed) {
  if (samples == 0 || batch_size == 0)
    invalid_argument("samples and batch_size must be at least 1; got ", samples, " and ", batch_size);
  return std::make_unique<BatchSource>(samples, batch_size, seed, BatchSource::kUnlimited);
}

py::array_t<std::uint64_t> samples_of(const BatchSource& order, std::uint64_t batch) {
  py::array_t<std::uint64_t> samples(static_cast<py::ssize_t>(order.num_samples(batch)));
  order.samples(batch, {samples.mutable_data(), static_cast<std::size_t>(samples.size())});
  return samples;
}

}  // namespace

void bind_data(py::module_& module) {
  py::class_<ArrayDataset>(module, "Dataset")
      .def(py::init(&make_dataset), py::arg("inputs"), py::arg("labels").noconvert() = py::none(),
           py::arg("targets").noconvert() = py::none())
      .def_readonly("inputs", &ArrayDataset::inputs)
      .def_readonly("labels", &ArrayDataset::labels)
      .def_readonly("targets", &ArrayDataset::targets)
      .def("__len__", [](const ArrayDataset& dataset) { return dataset.view.size(); });

  py::class_<BatchSource>(module, "BatchOrder")
      .def(py::init(&make_order), py::arg("samples"), py::arg("batch_size"), py::arg("seed"))
      .def_property_readonly("batches_per_epoch", &BatchSource::batches_per_epoch)
      .def("samples", &samples_of, py::arg("batch"));
}

}  // namespace asap::bindings
