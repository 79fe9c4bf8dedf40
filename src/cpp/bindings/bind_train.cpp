#include <system_error>

#include "asap/model/network.h"
#include "asap/trace/file.h"
#include "asap/train/trainer.h"
#include "bindings.h"
#include "checkpoint_arrays.h"
#include "python_observer.h"
#include "reports.h"
#include "words.h"

namespace asap::bindings {
namespace {

std::optional<CheckpointInterval> interval_from(const std::optional<std::pair<double, std::string>>& interval) {
  using Unit = CheckpointInterval::Unit;
  if (!interval) return std::nullopt;
  const auto& [every, unit] = *interval;
  if (unit == "epochs") return CheckpointInterval{every, Unit::epochs};
  if (unit == "updates") return CheckpointInterval{every, Unit::updates};
  if (unit == "seconds") return CheckpointInterval{every, Unit::seconds};
  invalid_argument("unit of checkpoints must be 'epochs', 'updates' or 'seconds'; got '", unit, "'");
}

py::dict train_network(const Network& network, Contiguous<float> theta, const ArrayDataset& data, engine::Engine engine,
                       std::size_t workers, std::size_t batch_size, std::optional<std::uint64_t> epochs,
                       std::optional<std::uint64_t> updates, std::optional<double> seconds, const Rate& rate,
                       const Policy& policy, const correction::Correction& correction, double momentum,
                       double weight_decay, std::uint64_t seed, const std::string& affinity,
                       const std::string& on_nonfinite, const ArrayDataset* validation,
                       std::optional<std::uint64_t> snapshots, std::optional<int> trace,
                       const std::optional<std::pair<double, std::string>>& checkpoint,
                       const std::optional<py::dict>& resume, py::object observer) {
  if (!theta.writeable()) invalid_argument("theta must be writeable: the result is left in it");
  const NetworkObjective objective(network, data.view);
  std::optional<NetworkObjective> validation_objective;
  if (validation) validation_objective.emplace(network, validation->view);
  std::optional<TraceFile> trace_file;
  if (trace) trace_file.emplace(*trace);
  std::optional<Checkpoint> begin;
  if (resume) begin = checkpoint_from(*resume);
  const TrainOptions options{.engine = engine,
                             .workers = workers,
                             .batch_size = batch_size,
                             .epochs = epochs,
                             .updates = updates,
                             .seconds = seconds,
                             .rate = rate,
                             .policy = policy,
                             .correction = correction,
                             .momentum = momentum,
                             .weight_decay = weight_decay,
                             .seed = seed,
                             .affinity = affinity_from(affinity),
                             .on_nonfinite = on_nonfinite_from(on_nonfinite),
                             .validation = validation_objective ? &*validation_objective : nullptr,
                             .snapshots = snapshots,
                             .trace = trace_file ? &*trace_file : nullptr,
                             .checkpoint = interval_from(checkpoint),
                             .resume = begin ? &*begin : nullptr};
  const std::span<float> parameters(theta.mutable_data(), static_cast<std::size_t>(theta.size()));
  PythonObserver python_observer(std::move(observer), parameters.size());
  Report report;
  {
    const py::gil_scoped_release release;
    report = train(objective, parameters, options, python_observer);
  }
  return to_dict(report);
}

engine::Leashed make_leashed(std::optional<std::uint64_t> persistence, engine::Read read) {
  return {persistence.value_or(engine::Leashed::kUnbounded), read};
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
  py::class_<engine::Sequential>(module, "Sequential").def(py::init<>());
  py::class_<engine::Synchronous>(module, "Synchronous").def(py::init<>());
  py::class_<engine::Locked>(module, "Locked").def(py::init<>());
  py::class_<engine::Softsync>(module, "Softsync")
      .def(py::init(
               [](std::optional<std::size_t> n) { return engine::Softsync{n.value_or(engine::Softsync::kWorkers)}; }),
           py::arg("n") = py::none());
  py::enum_<engine::Read>(module, "Read")
      .value("automatic", engine::Read::automatic)
      .value("in_place", engine::Read::in_place)
      .value("copy", engine::Read::copy);
  const auto read_argument = py::arg("read") = engine::Read::automatic;
  py::class_<engine::Hogwild>(module, "Hogwild")
      .def(py::init([](engine::Read read) { return engine::Hogwild{read}; }), read_argument);
  py::class_<engine::FusedHogwild>(module, "FusedHogwild")
      .def(py::init([](engine::Read read) { return engine::FusedHogwild{read}; }), read_argument);
  py::class_<engine::Leashed>(module, "Leashed")
      .def(py::init(&make_leashed), py::arg("persistence") = py::none(), read_argument);

  module.def("train", &train_network, py::arg("network"), py::arg("theta").noconvert(), py::arg("data"), py::kw_only(),
             py::arg("engine"), py::arg("workers"), py::arg("batch_size"), py::arg("epochs"), py::arg("updates"),
             py::arg("seconds"), py::arg("rate"), py::arg("policy"), py::arg("correction"), py::arg("momentum"),
             py::arg("weight_decay"), py::arg("seed"), py::arg("affinity"), py::arg("on_nonfinite"),
             py::arg("validation"), py::arg("snapshots"), py::arg("trace"), py::arg("checkpoint"), py::arg("resume"),
             py::arg("observer"));
  module.def("checkpoint_history", &history_of, py::arg("checkpoint"));
}

}  // namespace asap::bindings
