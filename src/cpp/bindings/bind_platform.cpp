#include "asap/kernels/kernels.h"
#include "asap/platform/affinity.h"
#include "asap/platform/cpus.h"
#include "asap/platform/topology.h"
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

py::dict topology(const std::string& sysfs) {
  const Topology topology = read_topology(sysfs);
  py::list nodes;
  for (const std::size_t node : topology.all(&Cpu::node)) {
    py::dict dict;
    dict["node"] = node;
    dict["cpus"] = sysfs::format_list(topology.with(&Cpu::node, node));
    nodes.append(dict);
  }
  py::dict dict;
  dict["sockets"] = topology.all(&Cpu::socket).size();
  dict["cores"] = topology.all(&Cpu::core).size();
  dict["logical_cpus"] = topology.cpus.size();
  dict["max_threads_per_core"] = topology.max_threads_per_core();
  dict["numa_nodes"] = nodes.size();
  dict["nodes"] = nodes;
  return dict;
}

py::list caches(const std::string& sysfs) {
  py::list list;
  for (const Caches& kind : read_caches(read_topology(sysfs), sysfs)) {
    py::dict dict;
    dict["name"] = kind.name;
    dict["count"] = kind.count;
    dict["size_bytes"] = kind.size_bytes;
    dict["shared_by"] = kind.shared_by;
    list.append(dict);
  }
  return list;
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
  module.def("cpu_quota", [] { return cpu_quota(); });
  module.def("affinity_mask", [] { return sysfs::format_list(affinity_mask()); });
  module.def("topology", &topology, py::arg("sysfs") = sysfs::kRoot);
  module.def("caches", &caches, py::arg("sysfs") = sysfs::kRoot);
  module.def("build_info", &build_info);
}

}  // namespace asap::bindings
