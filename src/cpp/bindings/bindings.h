// The rooms of the module, each bound in bind_<room>.cpp, and what they share.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "asap/core/error.h"
#include "asap/data/dataset.h"
#include "asap/staleness/distribution.h"

namespace asap::bindings {

namespace py = pybind11;

void bind_platform(py::module_& module);
void bind_data(py::module_& module);
void bind_model(py::module_& module);
void bind_staleness(py::module_& module);
void bind_step(py::module_& module);
void bind_framework(py::module_& module);
void bind_live_runs(py::module_& module);
void bind_options(py::module_& module);
void bind_train(py::module_& module);
void bind_simulate(py::module_& module);
void bind_server(py::module_& module);
void bind_trace(py::module_& module);
void bind_bench(py::module_& module);

/// Arrays that must not be copied on the way in: contiguous and of exactly this type (bind with py::arg().noconvert()).
template <class T>
using Contiguous = py::array_t<T, py::array::c_style>;

/// A data set and the Python arrays it looks at.
struct ArrayDataset {
  py::array inputs;
  py::object labels, targets;
  Dataset view;
};

/// "mid", "inclusive" or "exclusive"; throws std::invalid_argument for another word.
Cdf cdf_from(const std::string& name);

/// A new NumPy array with these values.
template <class Range>
auto to_array(const Range& values) {
  using T = std::remove_cvref_t<decltype(*std::begin(values))>;
  py::array_t<T> array(static_cast<py::ssize_t>(std::size(values)));
  std::copy(std::begin(values), std::end(values), array.mutable_data());
  return array;
}

}  // namespace asap::bindings
