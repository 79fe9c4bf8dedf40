#include "asap/bench/cases.h"
#include "asap/bench/measure.h"
#include "asap/bench/yardstick.h"
#include "bindings.h"

namespace asap::bindings {
namespace {

using bench::Case;
using bench::Cases;

py::dict measure(const Case& work, std::size_t rounds, double seconds) {
  bench::Result result;
  {
    const py::gil_scoped_release release;
    result = bench::measure(work, {rounds, seconds});
  }
  py::dict dict;
  dict["name"] = result.name;
  dict["unit"] = result.unit;
  dict["seconds"] = result.seconds;
  dict["rate"] = result.rate;
  dict["limit"] = result.limit;
  dict["share"] = result.share;
  return dict;
}

Cases kernel_cases() {
  Cases cases = bench::products();
  for (const Cases& more : {bench::element_wise(), bench::update_path()})
    cases.insert(cases.end(), more.begin(), more.end());
  return cases;
}

/// (network, engine, case) for each of them.
py::list update_cases(std::size_t batch_size) {
  py::list list;
  for (const auto example : {bench::Example::mlp, bench::Example::lenet})
    for (const auto& engine : bench::engines())
      list.append(py::make_tuple(name_of(example), engine.name, bench::update(example, batch_size, engine)));
  return list;
}

double fma_peak(double seconds) {
  const py::gil_scoped_release release;
  return bench::fma_peak(kernels::active(), seconds);
}

}  // namespace

void bind_bench(py::module_& module) {
  py::register_exception<bench::WrongAnswer>(module, "WrongAnswerError", PyExc_RuntimeError);
  py::class_<Case>(module, "BenchmarkCase")
      .def_readonly("name", &Case::name)
      .def("measure", &measure, py::arg("rounds"), py::arg("seconds"));
  module.def("kernel_cases", &kernel_cases);
  module.def("update_cases", &update_cases, py::arg("batch_size"));
  module.def("fma_peak", &fma_peak, py::arg("seconds"));
}

}  // namespace asap::bindings
