#include "asap/kernels/kernels.h"
#include "asap/platform/cpus.h"
#include "bindings.h"

namespace asap::bindings {
namespace {

py::dict build_info() {
  py::dict info;
#if defined(__clang__)
  info["compiler"] = "clang " __clang_version__;
#else
  info["compiler"] = "gcc " __VERSION__;
#endif
  info["standard"] = std::to_string(__cplusplus);
  info["pybind11"] = PYBIND11_TOSTRING(PYBIND11_VERSION_MAJOR) "." PYBIND11_TOSTRING(PYBIND11_VERSION_MINOR);
#if defined(NDEBUG)
  info["assertions"] = "off";
#else
  info["assertions"] = "on";
#endif
  return info;
}

}  // namespace

void bind_platform(py::module_& module) {
  module.def("isa", [] { return std::string(kernels::active().name); });
  module.def("available_isas", [] {
    std::vector<std::string> names;
    for (const kernels::Table* table : kernels::available()) names.emplace_back(table->name);
    return names;
  });
  module.def("usable_cpus", [] { return usable_cpus(); });
  module.def("build_info", &build_info);
}

}  // namespace asap::bindings
