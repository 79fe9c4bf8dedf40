#include <chrono>

#include "asap/trace/check.h"
#include "asap/train/replay.h"
#include "network_run.h"

namespace asap::bindings {
namespace {

std::span<const TraceRecord> elements(const Contiguous<TraceRecord>& records) {
  return {records.data(), static_cast<std::size_t>(records.size())};
}

/// What a replay begins with besides θ, and leaves its result in; nothing where there is none.
std::span<float> elements(std::optional<Contiguous<float>>& part, const char* name) {
  if (!part) return {};
  if (!part->writeable()) invalid_argument(name, " must be writeable: the result is left in it");
  return {part->mutable_data(), static_cast<std::size_t>(part->size())};
}

void check_records(const Contiguous<TraceRecord>& records, std::size_t workers, Version first) {
  const std::span<const TraceRecord> checked = elements(records);
  const py::gil_scoped_release release;
  check_trace(checked, workers, first);
}

/// Runs Python's signal handlers about every 50 ms, so that Ctrl-C ends a long computation with KeyboardInterrupt.
class SignalWatch {
 public:
  bool go_on() {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return true;
    next_ = now + std::chrono::milliseconds(50);
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    return true;
  }

 private:
  std::chrono::steady_clock::time_point next_;
};

std::uint64_t replay_network(const Network& network, Contiguous<float> theta, const ArrayDataset& data,
                             const TrainOptions& options, const Contiguous<TraceRecord>& records, Version first,
                             Version last, std::optional<Contiguous<float>> velocity,
                             std::optional<Contiguous<float>> movement) {
  const NetworkRun run(network, std::move(theta), data);
  SignalWatch signals;
  const std::span<const TraceRecord> replayed = elements(records);
  const ReplayRange range{.first = first,
                          .velocity = elements(velocity, "velocity"),
                          .movement = elements(movement, "movement"),
                          .last = last,
                          .go_on = [&] { return signals.go_on(); }};
  const py::gil_scoped_release release;
  return replay(run.objective(), run.parameters(), options, replayed, range).updates;
}

}  // namespace

void bind_trace(py::module_& module) {
  PYBIND11_NUMPY_DTYPE(TraceRecord, batch, read, replaced, scale, attempts, worker, outcome, unused);
  module.def("check_trace", &check_records, py::arg("records").noconvert(), py::arg("workers"), py::arg("first"));
  module.def("replay", &replay_network, py::arg("network"), py::arg("theta").noconvert(), py::arg("data"),
             py::arg("options"), py::arg("records").noconvert(), py::kw_only(), py::arg("first"), py::arg("last"),
             py::arg("velocity").noconvert(), py::arg("movement").noconvert());
}

}  // namespace asap::bindings
