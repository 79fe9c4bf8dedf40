#include "python_observer.h"

#include "checkpoint_arrays.h"
#include "reports.h"
#include "words.h"

namespace asap::bindings {
namespace {

constexpr std::chrono::seconds kPatience{10};  // for as long as somebody may wait for a program to end

/// Lets Python use the live run while this exists.
struct Attached {
  Attached(LiveHandle& handle_to_attach, LiveRun& live) : handle(handle_to_attach) { handle.attach(&live); }
  ~Attached() { handle.attach(nullptr); }
  LiveHandle& handle;
};

}  // namespace

LiveRuns& live_runs() {
  // On the heap for ever: daemon threads may outlive what is destroyed when the process ends.
  static auto* const runs = new LiveRuns(kPatience);
  return *runs;
}

template <class Function>
void PythonObserver::call(LiveRun& live, Function&& function) {
  const Attached attached(*live_, live);
  try {
    function();
  } catch (const py::error_already_set& error) {
    if (!error.matches(PyExc_KeyboardInterrupt)) throw;
    live.request_stop(Status::interrupted);
  }
}

void PythonObserver::on_epoch(const EpochRecord& record, LiveRun& live) {
  const py::gil_scoped_acquire gil;
  call(live, [&] { observer_.attr("on_epoch")(to_dict(record), live_); });
}

void PythonObserver::on_tick(LiveRun& live) {
  const py::gil_scoped_acquire gil;
  call(live, [&] {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    observer_.attr("on_tick")(live_);
  });
  if (live_runs().are_to_end()) live.request_stop(Status::interrupted);
}

void PythonObserver::on_checkpoint(const Checkpoint& checkpoint, LiveRun& live) {
  const py::gil_scoped_acquire gil;
  call(live, [&] { observer_.attr("on_checkpoint")(to_dict(checkpoint)); });
}

void PythonObserver::on_snapshot(std::span<const float> theta, const Moment& moment, LiveRun& live) {
  const py::gil_scoped_acquire gil;
  call(live, [&] {
    observer_.attr("on_snapshot")(py::array_t<float>(static_cast<py::ssize_t>(theta.size()), theta.data()),
                                  moment.version, moment.epoch, moment.seconds);
  });
}

void PythonObserver::on_failure(const Failure& failure) noexcept {
  const py::gil_scoped_acquire gil;
  try {
    observer_.attr("on_failure")(failure);
  } catch (py::error_already_set& error) {  // the exception that is on its way counts
    error.discard_as_unraisable("asap: on_failure");
  }
}

void bind_live_runs(py::module_& module) {
  py::module_::import("atexit").attr("register")(py::cpp_function([] {
    const py::gil_scoped_release release;
    live_runs().end();
  }));

  py::class_<Failure>(module, "Failure")
      .def(py::init([](std::optional<std::size_t> worker, std::optional<std::uint64_t> batch, Version read, Tau tau,
                       std::uint64_t updates) { return Failure{worker, batch, read, tau, updates}; }),
           py::kw_only(), py::arg("worker"), py::arg("batch"), py::arg("read"), py::arg("tau"), py::arg("updates"))
      .def_readonly("worker", &Failure::worker)
      .def_readonly("batch", &Failure::batch)
      .def_readonly("read", &Failure::read)
      .def_readonly("tau", &Failure::tau)
      .def_readonly("updates", &Failure::updates);

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
}

}  // namespace asap::bindings
