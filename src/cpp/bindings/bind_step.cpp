#include <map>

#include "asap/step/correction.h"
#include "asap/step/policy.h"
#include "asap/step/rate.h"
#include "asap/step/repeated.h"
#include "bindings.h"

namespace asap::bindings {
namespace {

using PythonSample = std::variant<std::pair<std::uint64_t, std::uint64_t>, OnlineSample>;

Sample sample_from(const PythonSample& sample) {
  if (const auto* online = std::get_if<OnlineSample>(&sample)) return *online;
  const auto& [first, last] = std::get<0>(sample);
  return SampleWindow{first, last};
}

ScaleTable table_from(const py::object& values) {
  const auto array = py::array_t < double, py::array::c_style | py::array::forcecast > ::ensure(values);
  if (!array || array.ndim() != 1)
    invalid_argument("a scale must be a one-dimensional array of numbers, C(0), C(1), …; got ",
                     py::repr(values).cast<std::string>());
  return ScaleTable(std::vector<double>(array.data(), array.data() + array.size()));
}

/// A Python callable as a policy. The callable may be copied and dropped by threads that do not hold the GIL.
Policy custom(py::function function, const std::optional<PythonSample>& sample) {
  const std::shared_ptr<py::function> shared(new py::function(std::move(function)), [](py::function* held) {
    const py::gil_scoped_acquire gil;
    delete held;
  });
  Policy policy;
  policy.name = "custom";
  policy.table = [shared](const Distribution& distribution, const StepContext&) {
    const py::gil_scoped_acquire gil;
    return table_from((*shared)(distribution));
  };
  if (sample) policy.sample = sample_from(*sample);
  return policy;
}

Policy tail_tau(double amplitude, const std::string& cdf, const PythonSample& sample) {
  return policy::tail_tau(amplitude, cdf_from(cdf), sample_from(sample));
}

Policy mind_the_step(const std::string& law, double cap, Tau last, const PythonSample& sample) {
  static const std::map<std::string, policy::Law> laws{
      {"geometric", policy::Law::geometric},
      {"poisson", policy::Law::poisson},
      {"conway-maxwell-poisson", policy::Law::conway_maxwell_poisson},
  };
  const auto found = laws.find(law);
  if (found == laws.end())
    invalid_argument("law must be 'geometric', 'poisson' or 'conway-maxwell-poisson'; got '", law, "'");
  return policy::mind_the_step(found->second, cap, last, sample_from(sample));
}

py::array_t<double> table(const Policy& policy, const Distribution& distribution, std::size_t workers, double rate,
                          Version update) {
  return to_array(policy.table(distribution, {workers, rate, update}).entries());
}

}  // namespace

void bind_step(py::module_& module) {
  py::class_<Rate>(module, "Rate")
      .def_static("constant", &Rate::constant, py::arg("base"))
      .def_static("step", &Rate::step, py::arg("base"), py::arg("factor"), py::arg("every"))
      .def_static("cosine", &Rate::cosine, py::arg("base"), py::arg("final"), py::arg("updates"))
      .def("__call__", &Rate::operator(), py::arg("update"));

  py::class_<correction::None>(module, "NoCorrection").def(py::init<>());
  py::class_<correction::DelayCompensated>(module, "DelayCompensated")
      .def(py::init([](double strength) { return correction::DelayCompensated{strength}; }), py::arg("strength"));
  py::class_<correction::GapAware>(module, "GapAware")
      .def(py::init([](double memory) { return correction::GapAware{memory}; }), py::arg("memory"));
  py::class_<correction::NormClipped>(module, "NormClipped")
      .def(py::init([](double bound) { return correction::NormClipped{bound}; }), py::arg("bound"));

  py::class_<OnlineSample>(module, "OnlineSample")
      .def(py::init([](double every, double half_life) { return OnlineSample{every, half_life}; }), py::arg("every"),
           py::arg("half_life"));

  py::class_<Policy>(module, "Policy")
      .def_static("constant", &policy::constant)
      .def_static("inverse", &policy::inverse)
      .def_static("inverse_plus_one", &policy::inverse_plus_one)
      .def_static("power", &policy::power, py::arg("exponent"))
      .def_static("hinge", &policy::hinge, py::arg("slope"), py::arg("grace"))
      .def_static("exponential", &policy::exponential, py::arg("decay"))
      .def_static("delay_adaptive", &policy::delay_adaptive)
      .def_static("threshold", &policy::threshold, py::arg("critical"), py::arg("smoothness"))
      .def_static("ringmaster", &policy::ringmaster, py::arg("limit"))
      .def_static(
          "fleet",
          [](std::optional<double> threshold, const PythonSample& sample) {
            return policy::fleet(threshold, sample_from(sample));
          },
          py::arg("threshold"), py::arg("sample"))
      .def_static("tail_tau", &tail_tau, py::arg("amplitude"), py::arg("cdf"), py::arg("sample"))
      .def_static("mind_the_step", &mind_the_step, py::arg("law"), py::arg("cap"), py::arg("last"), py::arg("sample"))
      .def_static(
          "normalised",
          [](const Policy& policy, const PythonSample& sample) {
            return policy::normalised(policy, sample_from(sample));
          },
          py::arg("policy"), py::arg("sample"))
      .def_static("clipped", &policy::clipped, py::arg("policy"), py::arg("least"), py::arg("most"))
      .def_static(
          "fixed", [](const py::object& entries) { return policy::fixed(table_from(entries).entries()); },
          py::arg("entries"))
      .def_static("custom", &custom, py::arg("table"), py::arg("sample"))
      .def_readonly("name", &Policy::name)
      .def("table", &table, py::arg("distribution"), py::arg("workers"), py::arg("rate"), py::arg("update"));

  py::class_<RepeatedAdaptation>(module, "RepeatedAdaptation")
      .def(py::init([](const Policy& policy, std::size_t workers, const Rate& rate) {
             return RepeatedAdaptation(policy, {.workers = workers, .rate = rate});
           }),
           py::arg("policy"), py::arg("workers"), py::arg("rate"))
      .def_property_readonly("is_adaptive", &RepeatedAdaptation::is_adaptive)
      .def("count", &RepeatedAdaptation::count, py::arg("staleness"), py::arg("rejections"), py::arg("published"))
      .def_property_readonly("table", [](const RepeatedAdaptation& self) { return to_array(self.table().entries()); });
}

}  // namespace asap::bindings
