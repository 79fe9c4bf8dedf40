// The compiled module: every room registers itself.
#include "bindings.h"

PYBIND11_MODULE(_core, module) {
  using namespace asap::bindings;
  module.doc() = "The compiled core of asap. Use the package's public classes; their docstrings explain.";
  module.attr("__version__") = ASAP_VERSION;
  bind_platform(module);
  bind_data(module);
  bind_model(module);
  bind_staleness(module);
  bind_step(module);
  bind_framework(module);
  bind_live_runs(module);
  bind_options(module);
  bind_train(module);
  bind_trace(module);
  bind_simulate(module);
  bind_server(module);
  bind_bench(module);
}
