#include "asap/framework/bounds.h"
#include "asap/framework/properties.h"
#include "bindings.h"

namespace asap::bindings {
namespace {

using framework::Bound;
using framework::Bounds;
using framework::Constants;
using framework::Properties;

using Scale = Contiguous<double>;

std::span<const double> entries(const Scale& scale) { return {scale.data(), static_cast<std::size_t>(scale.size())}; }

Bounds bounds(const Properties& properties, double smoothness, double gradient, std::optional<double> distance,
              std::optional<double> gap, std::optional<double> curvature) {
  return framework::bounds(properties, {smoothness, gradient, distance, gap, curvature});
}

}  // namespace

void bind_framework(py::module_& module) {
  py::class_<Properties>(module, "Properties")
      .def_readonly("mean", &Properties::mean)
      .def_readonly("second_moment", &Properties::second_moment)
      .def_readonly("scaled_staleness", &Properties::scaled_staleness)
      .def_readonly("scaled_squared_staleness", &Properties::scaled_squared_staleness)
      .def_readonly("mean_staleness", &Properties::mean_staleness)
      .def_readonly("mean_squared_staleness", &Properties::mean_squared_staleness)
      .def_readonly("least", &Properties::least)
      .def_readonly("most", &Properties::most)
      .def_readonly("leveraged", &Properties::leveraged)
      .def_readonly("dampened", &Properties::dampened)
      .def_readonly("rejected", &Properties::rejected)
      .def_readonly("first_violation", &Properties::first_violation);

  py::class_<Bound>(module, "Bound")
      .def("__call__", &Bound::operator(), py::arg("rate"), py::arg("updates"))
      .def("best_rate", &Bound::best_rate, py::arg("updates"))
      .def("updates_to", &Bound::updates_to, py::arg("error"));

  py::class_<Bounds>(module, "Bounds")
      .def_readonly("convex", &Bounds::convex)
      .def_readonly("convex_views", &Bounds::convex_views)
      .def_readonly("non_convex", &Bounds::non_convex)
      .def_readonly("polyak_lojasiewicz", &Bounds::polyak_lojasiewicz);

  module.def(
      "properties_of",
      [](const Scale& scale, const Distribution& distribution) {
        return framework::properties_of(entries(scale), distribution);
      },
      py::arg("scale").noconvert(), py::arg("distribution"));
  module.def(
      "normalise",
      [](const Scale& scale, const Distribution& distribution) {
        return to_array(framework::normalise(entries(scale), distribution));
      },
      py::arg("scale").noconvert(), py::arg("distribution"));
  module.def("bounds", &bounds, py::arg("properties"), py::arg("smoothness"), py::arg("gradient"),
             py::arg("distance") = py::none(), py::arg("gap") = py::none(), py::arg("curvature") = py::none());
}

}  // namespace asap::bindings
