#include "asap/model/network.h"

#include <numeric>

#include "asap/train/evaluate.h"
#include "bindings.h"

namespace asap::bindings {
namespace {

Loss loss_from(const std::string& name) {
  if (name == "softmax-cross-entropy") return Loss::softmax_cross_entropy;
  if (name == "mean-squared-error") return Loss::mean_squared_error;
  invalid_argument("loss must be 'softmax-cross-entropy' or 'mean-squared-error'; got '", name, "'");
}

Initialiser initialiser_from(const std::string& name) {
  if (name == "papers") return Initialiser::papers;
  if (name == "he") return Initialiser::he;
  if (name == "glorot") return Initialiser::glorot;
  invalid_argument("initialiser must be 'papers', 'he' or 'glorot'; got '", name, "'");
}

const float* checked(const Network& network, const Contiguous<float>& theta) {
  if (static_cast<std::size_t>(theta.size()) != network.num_parameters())
    invalid_argument("theta must have ", network.num_parameters(), " parameters; got ", theta.size());
  return theta.data();
}

Network make_network(std::array<std::size_t, 3> input, std::vector<Layer> layers, const std::string& loss) {
  return Network({input[0], input[1], input[2]}, std::move(layers), loss_from(loss));
}

py::list parameters(const Network& network) {
  py::list list;
  for (const Parameter& parameter : network.parameters())
    list.append(py::make_tuple(parameter.name, py::tuple(py::cast(parameter.shape)), parameter.offset));
  return list;
}

py::array_t<float> initialise(const Network& network, const std::string& kind, std::uint64_t seed) {
  py::array_t<float> theta(static_cast<py::ssize_t>(network.num_parameters()));
  network.initialise(initialiser_from(kind), seed, {theta.mutable_data(), network.num_parameters()});
  return theta;
}

py::array_t<float> predict(const Network& network, const Contiguous<float>& theta, const ArrayDataset& data,
                           std::size_t batch_size) {
  const float* parameters = checked(network, theta);
  const std::size_t samples = data.view.size(), width = network.num_outputs();
  py::array_t<float> outputs({samples, width});
  float* out = outputs.mutable_data();
  const py::gil_scoped_release release;
  const auto workspace = network.workspace(batch_size);
  std::vector<std::uint64_t> indices(batch_size);
  for (std::size_t first = 0; first < samples; first += batch_size) {
    const auto batch = std::span(indices).first(std::min(batch_size, samples - first));
    std::iota(batch.begin(), batch.end(), first);
    network.predict(parameters, data.view.inputs, batch, *workspace, out + first * width);
  }
  return outputs;
}

py::tuple evaluate_network(const Network& network, const Contiguous<float>& theta, const ArrayDataset& data,
                           std::size_t batch_size) {
  const float* parameters = checked(network, theta);
  const NetworkObjective objective(network, data.view);
  Metrics metrics;
  {
    const py::gil_scoped_release release;
    metrics = evaluate(objective, parameters, batch_size);
  }
  return py::make_tuple(metrics.loss_sum, metrics.correct, metrics.samples);
}

py::tuple gradient(const Network& network, const Contiguous<float>& theta, const ArrayDataset& data,
                   const Contiguous<std::uint64_t>& indices) {
  const float* parameters = checked(network, theta);
  network.check(data.view);
  const std::span<const std::uint64_t> batch(indices.data(), static_cast<std::size_t>(indices.size()));
  for (const std::uint64_t index : batch)
    if (index >= data.view.size()) invalid_argument("indices must be below ", data.view.size(), "; got ", index);
  py::array_t<float> result(static_cast<py::ssize_t>(network.num_parameters()));
  double loss = 0;
  {
    float* out = result.mutable_data();
    const py::gil_scoped_release release;
    loss = network.gradient(parameters, data.view, batch, *network.workspace(batch.size()), out);
  }
  return py::make_tuple(loss, result);
}

}  // namespace

void bind_model(py::module_& module) {
  py::class_<Dense>(module, "Dense").def(py::init([](std::size_t units) { return Dense{units}; }), py::arg("units"));
  py::class_<Conv2d>(module, "Conv2d")
      .def(py::init([](std::size_t filters, std::size_t window) { return Conv2d{filters, window}; }),
           py::arg("filters"), py::arg("window"));
  py::class_<MaxPool2d>(module, "MaxPool2d")
      .def(py::init([](std::size_t window) { return MaxPool2d{window}; }), py::arg("window"));
  py::class_<Relu>(module, "Relu").def(py::init<>());
  py::class_<Tanh>(module, "Tanh").def(py::init<>());
  py::class_<Flatten>(module, "Flatten").def(py::init<>());

  py::class_<Network>(module, "Network")
      .def(py::init(&make_network), py::arg("input_shape"), py::arg("layers"), py::arg("loss"))
      .def_property_readonly("num_parameters", &Network::num_parameters)
      .def_property_readonly("num_outputs", &Network::num_outputs)
      .def_property_readonly("parameters", &parameters)
      .def("initialise", &initialise, py::arg("kind"), py::arg("seed"))
      .def("predict", &predict, py::arg("theta").noconvert(), py::arg("data"), py::arg("batch_size"))
      .def("evaluate", &evaluate_network, py::arg("theta").noconvert(), py::arg("data"), py::arg("batch_size"))
      .def("gradient", &gradient, py::arg("theta").noconvert(), py::arg("data"), py::arg("indices"));
}

}  // namespace asap::bindings
