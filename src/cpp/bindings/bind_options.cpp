#include "asap/train/check_options.h"
#include "bindings.h"
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

TrainOptions make_options(engine::Engine engine, std::size_t workers, std::size_t batch_size,
                          std::optional<std::uint64_t> epochs, std::optional<std::uint64_t> updates,
                          std::optional<double> seconds, const Rate& rate, const Policy& policy,
                          const correction::Correction& correction, double momentum, double weight_decay,
                          std::uint64_t seed, const std::string& affinity, const std::string& on_nonfinite,
                          std::optional<std::uint64_t> snapshots,
                          const std::optional<std::pair<double, std::string>>& checkpoint) {
  return {.engine = engine,
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
          .snapshots = snapshots,
          .checkpoint = interval_from(checkpoint)};
}

engine::Leashed make_leashed(std::optional<std::uint64_t> persistence, engine::Read read) {
  return {persistence.value_or(engine::Leashed::kUnbounded), read};
}

void bind_engines(py::module_& module) {
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
}

}  // namespace

void bind_options(py::module_& module) {
  bind_engines(module);
  py::class_<TrainOptions>(module, "TrainOptions")
      .def(py::init(&make_options), py::kw_only(), py::arg("engine"), py::arg("workers"), py::arg("batch_size"),
           py::arg("epochs"), py::arg("updates"), py::arg("seconds"), py::arg("rate"), py::arg("policy"),
           py::arg("correction"), py::arg("momentum"), py::arg("weight_decay"), py::arg("seed"), py::arg("affinity"),
           py::arg("on_nonfinite"), py::arg("snapshots"), py::arg("checkpoint"));
  module.def("check_options", py::overload_cast<const TrainOptions&, std::size_t>(&check), py::arg("options"),
             py::arg("max_workers"));
}

}  // namespace asap::bindings
