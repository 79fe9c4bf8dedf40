#include "asap/sim/simulator.h"
#include "asap/sim/what_if.h"
#include "network_run.h"
#include "python_observer.h"
#include "reports.h"

namespace asap::bindings {
namespace {

using Changes = std::vector<std::pair<double, std::size_t>>;  // numbers of workers, by seconds

SimulationOptions options_from(const TrainOptions& train, const Changes& changes, const Law& compute,
                               const Law& publish, std::uint64_t memory_limit, std::optional<std::uint64_t> row_every) {
  std::vector<TeamSize> team;
  for (const auto& [seconds, workers] : changes) team.push_back({seconds, workers});
  return {.train = train,
          .compute = compute,
          .publish = publish,
          .team = std::move(team),
          .row_every = row_every,
          .memory_limit = memory_limit};
}

void check_simulation(const TrainOptions& options, const Changes& team, const Law& compute, const Law& publish,
                      std::uint64_t memory_limit, std::optional<std::uint64_t> row_every,
                      std::optional<std::size_t> num_parameters) {
  const SimulationOptions simulation = options_from(options, team, compute, publish, memory_limit, row_every);
  check(simulation);
  if (num_parameters) check_memory(simulation, *num_parameters);
}

py::dict document(const SimulationReport& simulated) {
  py::dict dict = to_dict(simulated.report);
  dict["compute_seconds"] = simulated.compute_seconds;
  dict["publish_seconds"] = simulated.publish_seconds;
  dict["publishing"] = simulated.publishing;
  return dict;
}

py::dict simulate_network(const Network& network, Contiguous<float> theta, const ArrayDataset& data,
                          const TrainOptions& options, const Changes& team, const Law& compute, const Law& publish,
                          std::uint64_t memory_limit, std::optional<std::uint64_t> row_every,
                          const ArrayDataset* validation, std::optional<int> trace, py::object observer) {
  NetworkRun run(network, std::move(theta), data, validation, trace);
  const SimulationOptions settled = options_from(run.with(options), team, compute, publish, memory_limit, row_every);
  PythonObserver python_observer(std::move(observer), run.parameters().size());
  SimulationReport simulated;
  {
    const py::gil_scoped_release release;
    simulated = simulate(run.objective(), run.parameters(), settled, python_observer);
  }
  return document(simulated);
}

py::dict what_if_network(const Network& network, Contiguous<float> theta, const ArrayDataset& data,
                         const TrainOptions& options, const Contiguous<TraceRecord>& records,
                         const ArrayDataset* validation, std::optional<int> trace, py::object observer) {
  NetworkRun run(network, std::move(theta), data, validation, trace);
  const TrainOptions settled = run.with(options);
  const std::span<const TraceRecord> schedule(records.data(), static_cast<std::size_t>(records.size()));
  PythonObserver python_observer(std::move(observer), run.parameters().size());
  Report report;
  {
    const py::gil_scoped_release release;
    report = what_if(run.objective(), run.parameters(), settled, schedule, python_observer);
  }
  return to_dict(report);
}

}  // namespace

void bind_simulate(py::module_& module) {
  py::class_<Law>(module, "Law")
      .def_static("constant", &law::constant, py::arg("seconds"))
      .def_static("exponential", &law::exponential, py::arg("mean"))
      .def_static("log_normal", &law::log_normal, py::arg("mean"), py::arg("sigma"))
      .def_static("recorded", &law::recorded, py::arg("seconds"), py::arg("counts"))
      .def_static("scaled", &law::scaled, py::arg("law"), py::arg("factors"))
      .def_static("spread", &law::spread, py::arg("law"), py::arg("sigma"))
      .def_static("slow_workers", &law::slow_workers, py::arg("law"), py::arg("factor"), py::arg("count"))
      .def_static("slow_now_and_then", &law::slow_now_and_then, py::arg("law"), py::arg("factor"),
                  py::arg("probability"))
      .def_readonly("mean", &Law::mean)
      .def(
          "draw",
          [](const Law& law, std::uint64_t seed, std::size_t worker, std::size_t count) {
            Rng random(seed, Stream::compute_times, static_cast<std::uint32_t>(worker));
            std::vector<double> seconds(count);
            for (double& each : seconds) each = law.draw({seed, worker}, random);
            return to_array(seconds);
          },
          py::arg("seed"), py::arg("worker"), py::arg("count"));

  module.def("simulate", &simulate_network, py::arg("network"), py::arg("theta").noconvert(), py::arg("data"),
             py::arg("options"), py::kw_only(), py::arg("team"), py::arg("compute"), py::arg("publish"),
             py::arg("memory_limit"), py::arg("row_every"), py::arg("validation"), py::arg("trace"),
             py::arg("observer"));
  module.def("check_simulation", &check_simulation, py::arg("options"), py::kw_only(), py::arg("team"),
             py::arg("compute"), py::arg("publish"), py::arg("memory_limit"), py::arg("row_every"),
             py::arg("num_parameters"));
  module.def("what_if", &what_if_network, py::arg("network"), py::arg("theta").noconvert(), py::arg("data"),
             py::arg("options"), py::arg("records").noconvert(), py::kw_only(), py::arg("validation"), py::arg("trace"),
             py::arg("observer"));
}

}  // namespace asap::bindings
