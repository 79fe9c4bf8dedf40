#include <system_error>

#include "checkpoint_arrays.h"
#include "network_run.h"
#include "python_observer.h"
#include "reports.h"

namespace asap::bindings {
namespace {

py::dict train_network(const Network& network, Contiguous<float> theta, const ArrayDataset& data,
                       const TrainOptions& options, const ArrayDataset* validation, std::optional<int> trace,
                       const std::optional<py::dict>& resume, py::object observer) {
  NetworkRun run(network, std::move(theta), data, validation, trace);
  TrainOptions settled = run.with(options);
  std::optional<Checkpoint> begin;
  if (resume) begin = checkpoint_from(*resume);
  settled.resume = begin ? &*begin : nullptr;
  PythonObserver python_observer(std::move(observer), run.parameters().size());
  Report report;
  {
    const py::gil_scoped_release release;
    report = train(run.objective(), run.parameters(), settled, python_observer);
  }
  return to_dict(report);
}

/// What the system refused is an OSError, with its number.
void translate_system_errors(std::exception_ptr exception) {
  try {
    if (exception) std::rethrow_exception(exception);
  } catch (const std::system_error& error) {
    PyErr_SetObject(PyExc_OSError, py::make_tuple(error.code().value(), error.what()).ptr());
  }
}

py::list history_of(const py::dict& checkpoint) {
  py::list rows;
  for (const EpochRecord& record : checkpoint_from(checkpoint).history) rows.append(to_dict(record));
  return rows;
}

}  // namespace

void bind_train(py::module_& module) {
  py::register_local_exception_translator(&translate_system_errors);
  module.def("train", &train_network, py::arg("network"), py::arg("theta").noconvert(), py::arg("data"),
             py::arg("options"), py::kw_only(), py::arg("validation"), py::arg("trace"), py::arg("resume"),
             py::arg("observer"));
  module.def("checkpoint_history", &history_of, py::arg("checkpoint"));
}

}  // namespace asap::bindings
