#include <system_error>

#include "asap/model/network.h"
#include "asap/trace/file.h"
#include "asap/train/trainer.h"
#include "bindings.h"
#include "checkpoint_arrays.h"
#include "live_runs.h"
#include "reports.h"

namespace asap::bindings {
namespace {

LiveRuns& live_runs() {
  static auto* const runs = new LiveRuns;  // daemon threads may outlive what is destroyed when the process ends
  return *runs;
}

/// What Python holds of a run in progress; it points at nothing between callbacks.
class LiveHandle {
 public:
  void attach(LiveRun* live) { live_ = live; }
  LiveRun& get() const {
    if (!live_) throw std::runtime_error("this live run can only be used during the callback it was handed to");
    return *live_;
  }

  py::tuple snapshot() const {
    py::array_t<float> theta(static_cast<py::ssize_t>(num_parameters_));
    const Version version = get().snapshot({theta.mutable_data(), num_parameters_});
    return py::make_tuple(theta, version);
  }

  explicit LiveHandle(std::size_t num_parameters) : num_parameters_(num_parameters) {}

 private:
  std::size_t num_parameters_;
  LiveRun* live_ = nullptr;
};

/// Calls the Python observer on the coordinating thread, and lets Ctrl-C end the run instead of losing it.
class PythonObserver final : public Observer {
 public:
  PythonObserver(py::object observer, std::size_t num_parameters)
      : observer_(std::move(observer)), live_(std::make_shared<LiveHandle>(num_parameters)) {}

  void on_epoch(const EpochRecord& record, LiveRun& live) override {
    const py::gil_scoped_acquire gil;
    call(live, [&] { observer_.attr("on_epoch")(to_dict(record), live_); });
  }

  void on_tick(LiveRun& live) override {
    const py::gil_scoped_acquire gil;
    call(live, [&] {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      observer_.attr("on_tick")(live_);
    });
    if (live_runs().are_to_end()) live.request_stop(Status::interrupted);
  }

  void on_checkpoint(const Checkpoint& checkpoint, LiveRun& live) override {
    const py::gil_scoped_acquire gil;
    call(live, [&] { observer_.attr("on_checkpoint")(to_dict(checkpoint)); });
  }

  void on_snapshot(std::span<const float> theta, const Moment& moment, LiveRun& live) override {
    const py::gil_scoped_acquire gil;
    call(live, [&] {
      const py::array_t<float> copy(static_cast<py::ssize_t>(theta.size()), theta.data());
      observer_.attr("on_snapshot")(copy, moment.version, moment.epoch, moment.seconds);
    });
  }

  void on_failure(const Failure& failure) noexcept override {
    const py::gil_scoped_acquire gil;
    try {
      observer_.attr("on_failure")(failure.worker, failure.batch, failure.read, failure.tau, failure.updates);
    } catch (py::error_already_set& error) {  // the exception that is on its way counts
      error.discard_as_unraisable("asap: on_failure");
    }
  }

 private:
  /// Lets Python use the live run while this exists.
  struct Attached {
    Attached(LiveHandle& handle_to_attach, LiveRun& live) : handle(handle_to_attach) { handle.attach(&live); }
    ~Attached() { handle.attach(nullptr); }
    LiveHandle& handle;
  };

  template <class Function>
  void call(LiveRun& live, Function&& function) {
    const Attached attached(*live_, live);
    try {
      function();
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_KeyboardInterrupt)) throw;
      live.request_stop(Status::interrupted);
    }
  }

  const LiveRuns::Entry entry_{live_runs()};
  py::object observer_;
  std::shared_ptr<LiveHandle> live_;  // Python may keep it longer than the run
};

Affinity affinity_from(const std::string& name) {
  if (name == "none") return Affinity::none;
  if (name == "compact") return Affinity::compact;
  if (name == "scatter") return Affinity::scatter;
  invalid_argument("affinity must be 'none', 'compact' or 'scatter'; got '", name, "'");
}

OnNonfinite on_nonfinite_from(const std::string& name) {
  if (name == "stop") return OnNonfinite::stop;
  if (name == "skip") return OnNonfinite::skip;
  invalid_argument("on_nonfinite must be 'stop' or 'skip'; got '", name, "'");
}

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
                       const Policy& policy, double momentum, double weight_decay, std::uint64_t seed,
                       const std::string& affinity, const std::string& on_nonfinite, const ArrayDataset* validation,
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

Status stop_status(const std::string& name) {
  if (name == "stopped") return Status::stopped;
  if (name == "interrupted") return Status::interrupted;
  invalid_argument("status must be 'stopped' or 'interrupted'; got '", name, "'");
}

py::list history_of(const py::dict& checkpoint) {
  py::list rows;
  for (const EpochRecord& record : checkpoint_from(checkpoint).history) rows.append(to_dict(record));
  return rows;
}

}  // namespace

void bind_train(py::module_& module) {
  py::register_local_exception_translator(&translate_system_errors);
  py::module_::import("atexit").attr("register")(py::cpp_function([] {
    const py::gil_scoped_release release;
    live_runs().end();
  }));

  py::class_<engine::Sequential>(module, "Sequential").def(py::init<>());
  py::class_<engine::Synchronous>(module, "Synchronous").def(py::init<>());
  py::class_<engine::Locked>(module, "Locked").def(py::init<>());
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

  py::class_<LiveHandle, std::shared_ptr<LiveHandle>>(module, "LiveRun")
      .def_property_readonly("seconds", [](const LiveHandle& live) { return live.get().seconds(); })
      .def_property_readonly("epoch", [](const LiveHandle& live) { return live.get().epoch(); })
      .def_property_readonly("counts", [](const LiveHandle& live) { return to_dict(live.get().counts()); })
      .def_property_readonly("staleness", [](const LiveHandle& live) { return live.get().staleness(); })
      .def("snapshot", &LiveHandle::snapshot)
      .def(
          "request_stop",
          [](const LiveHandle& live, const std::string& status) { live.get().request_stop(stop_status(status)); },
          py::arg("status") = "stopped");

  module.def("train", &train_network, py::arg("network"), py::arg("theta").noconvert(), py::arg("data"), py::kw_only(),
             py::arg("engine"), py::arg("workers"), py::arg("batch_size"), py::arg("epochs"), py::arg("updates"),
             py::arg("seconds"), py::arg("rate"), py::arg("policy"), py::arg("momentum"), py::arg("weight_decay"),
             py::arg("seed"), py::arg("affinity"), py::arg("on_nonfinite"), py::arg("validation"), py::arg("snapshots"),
             py::arg("trace"), py::arg("checkpoint"), py::arg("resume"), py::arg("observer"));
  module.def("checkpoint_history", &history_of, py::arg("checkpoint"));
}

}  // namespace asap::bindings
