#include "bindings.h"

namespace asap::bindings {

Cdf cdf_from(const std::string& name) {
  if (name == "mid") return Cdf::mid;
  if (name == "inclusive") return Cdf::inclusive;
  if (name == "exclusive") return Cdf::exclusive;
  invalid_argument("cdf must be 'mid', 'inclusive' or 'exclusive'; got '", name, "'");
}

namespace {

Distribution make_distribution(const Contiguous<std::uint64_t>& counts, std::optional<std::uint64_t> tau_sum) {
  std::vector<std::uint64_t> values(counts.data(), counts.data() + counts.size());
  return tau_sum ? Distribution(std::move(values), *tau_sum) : Distribution(std::move(values));
}

}  // namespace

void bind_staleness(py::module_& module) {
  py::class_<Distribution>(module, "Distribution")
      .def(py::init(&make_distribution), py::arg("counts").noconvert(), py::arg("tau_sum") = py::none())
      .def_property_readonly("counts", [](const Distribution& d) { return to_array(d.counts()); })
      .def_property_readonly("total", &Distribution::total)
      .def_property_readonly("tau_sum", &Distribution::tau_sum)
      .def_property_readonly("mean", &Distribution::mean)
      .def("probability", &Distribution::probability, py::arg("tau"))
      .def(
          "cdf", [](const Distribution& d, Tau tau, const std::string& form) { return d.cdf(tau, cdf_from(form)); },
          py::arg("tau"), py::arg("form"))
      .def("quantile", &Distribution::quantile, py::arg("q"));
}

}  // namespace asap::bindings
