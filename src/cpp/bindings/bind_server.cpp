#include <deque>

#include "asap/model/network.h"
#include "asap/server/learner.h"
#include "asap/server/parameter_server.h"
#include "bindings.h"
#include "checkpoint_arrays.h"
#include "reports.h"
#include "words.h"

namespace asap::bindings {
namespace {

/// Keeps rows of the history, and snapshots, with the parameters that they belong to, until Python comes for them.
class Keeper final : public Observer {
 public:
  struct Row {
    EpochRecord record;
    std::vector<float> theta;
  };
  struct Snapshot {
    Moment moment;
    std::vector<float> theta;
  };

  explicit Keeper(std::size_t num_parameters) : num_parameters_(num_parameters) {}

  void on_epoch(const EpochRecord& record, LiveRun& live) override {
    rows.push_back({record, std::vector<float>(num_parameters_)});
    live.snapshot(rows.back().theta);
  }
  void on_snapshot(std::span<const float> theta, const Moment& moment, LiveRun&) override {
    snapshots.push_back({moment, {theta.begin(), theta.end()}});
  }

  std::deque<Row> rows;
  std::deque<Snapshot> snapshots;

 private:
  const std::size_t num_parameters_;
};

/// A server, with what it must not outlive.
class Server {
 public:
  Server(std::uint64_t num_samples, const Contiguous<float>& theta, TrainOptions options, std::size_t most_workers,
         const std::optional<py::dict>& resume, bool trace, bool leads)
      : before_(resume ? std::optional(checkpoint_from(*resume)) : std::nullopt),
        keeper_(static_cast<std::size_t>(theta.size())),
        server_(num_samples, {theta.data(), static_cast<std::size_t>(theta.size())}, with(options, trace), most_workers,
                keeper_, leads ? server::Role::lead : server::Role::shard) {}

  server::ParameterServer& get() { return server_; }

  bool receive(std::uint64_t batch, std::size_t worker, Version read, double loss, const Contiguous<float>& gradient) {
    if (static_cast<std::size_t>(gradient.size()) != server_.num_parameters())
      invalid_argument("gradient must have ", server_.num_parameters(), " values; got ", gradient.size());
    return server_.receive({batch, worker, read, loss, gradient.data()});
  }

  py::list take_rows() {
    py::list rows;
    for (const Keeper::Row& row : std::exchange(keeper_.rows, {}))
      rows.append(py::make_tuple(to_dict(row.record), to_array(row.theta)));
    return rows;
  }

  py::list take_snapshots() {
    py::list snapshots;
    for (const auto& [moment, theta] : std::exchange(keeper_.snapshots, {}))
      snapshots.append(py::make_tuple(to_array(theta), moment.version, moment.epoch, moment.seconds));
    return snapshots;
  }

  py::object checkpoint() {
    const std::optional<Checkpoint> checkpoint = server_.checkpoint();
    if (!checkpoint) return py::none();
    return to_dict(*checkpoint);
  }

  py::tuple finish() {
    py::array_t<float> theta(static_cast<py::ssize_t>(server_.num_parameters()));
    const Report report = server_.finish({theta.mutable_data(), server_.num_parameters()});
    return py::make_tuple(to_dict(report), theta);
  }

  /// Those handed over to the trace, up to a checkpoint or the end, from a number on.
  py::array records(std::size_t first) const {
    return to_array(std::span(trace_.records).subspan(std::min(first, trace_.records.size())));
  }
  std::size_t num_records() const { return trace_.records.size(); }

 private:
  TrainOptions with(TrainOptions options, bool trace) {
    options.resume = before_ ? &*before_ : nullptr;
    options.trace = trace ? &trace_ : nullptr;
    return options;
  }

  const std::optional<Checkpoint> before_;
  TraceMemory trace_;
  Keeper keeper_;
  server::ParameterServer server_;
};

/// The parameters where they are, to be copied by whoever needs them later.
py::array view_parameters(py::object self) {
  const server::ParameterServer& server = py::cast<Server&>(self).get();
  py::array_t<float> view(static_cast<py::ssize_t>(server.num_parameters()), server.parameters(), self);
  view.attr("flags").attr("writeable") = false;
  return view;
}

/// A learner on a network and data, with what it must not outlive.
class NetworkLearner {
 public:
  NetworkLearner(const Network& network, const ArrayDataset& data, const TrainOptions& options)
      : objective_(network, data.view), max_batch_(options.batch_size), learner_(objective_, options) {}

  double gradient(std::uint64_t batch, const Contiguous<float>& theta, Contiguous<float>& out) {
    return gradient_of({batch, learner_.samples(batch)}, theta, out);
  }

  double gradient_of_samples(const Contiguous<std::uint64_t>& samples, const Contiguous<float>& theta,
                             Contiguous<float>& out) {
    const std::span<const std::uint64_t> chosen(samples.data(), static_cast<std::size_t>(samples.size()));
    if (chosen.empty() || chosen.size() > max_batch_)
      invalid_argument("samples must be 1 to ", max_batch_, ", a batch at most; got ", chosen.size());
    for (const std::uint64_t sample : chosen)
      if (sample >= objective_.num_samples())
        invalid_argument("samples must be below ", objective_.num_samples(), "; got ", sample);
    return gradient_of({0, chosen}, theta, out);
  }

 private:
  double gradient_of(const Batch& batch, const Contiguous<float>& theta, Contiguous<float>& out) {
    check("theta", theta);
    check("out", out);
    if (!out.writeable()) invalid_argument("out must be writeable: the gradient is left in it");
    const float* at = theta.data();
    float* to = out.mutable_data();
    const py::gil_scoped_release release;
    return learner_.gradient_of(batch, at, to);
  }

  void check(const char* name, const Contiguous<float>& array) const {
    if (static_cast<std::size_t>(array.size()) != objective_.num_parameters())
      invalid_argument(name, " must have ", objective_.num_parameters(), " values; got ", array.size());
  }

  NetworkObjective objective_;
  const std::size_t max_batch_;
  server::Learner learner_;
};

}  // namespace

void bind_server(py::module_& module) {
  py::class_<Server>(module, "ParameterServer")
      .def(py::init<std::uint64_t, const Contiguous<float>&, TrainOptions, std::size_t, const std::optional<py::dict>&,
                    bool, bool>(),
           py::arg("num_samples"), py::arg("theta").noconvert(), py::arg("options"), py::kw_only(),
           py::arg("most_workers"), py::arg("resume"), py::arg("trace"), py::arg("leads") = true)
      .def(
          "take", [](Server& self, std::size_t worker) { return self.get().take(worker); }, py::arg("worker"))
      .def(
          "lose", [](Server& self, std::size_t worker) { self.get().lose(worker); }, py::arg("worker"))
      .def(
          "hold", [](Server& self, std::size_t worker, std::uint64_t batch) { self.get().hold(worker, batch); },
          py::arg("worker"), py::arg("batch"))
      .def(
          "follow", [](Server& self, std::uint64_t rounds) { self.get().follow(rounds); }, py::arg("rounds"))
      .def(
          "has", [](Server& self, std::uint64_t batch) { return self.get().has(batch); }, py::arg("batch"))
      .def("receive", &Server::receive, py::kw_only(), py::arg("batch"), py::arg("worker"), py::arg("read"),
           py::arg("loss"), py::arg("gradient").noconvert())
      .def(
          "resize", [](Server& self, std::size_t workers) { self.get().resize(workers); }, py::arg("workers"))
      .def_property_readonly("is_over", [](Server& self) { return self.get().is_over(); })
      .def_property_readonly("has_diverged", [](Server& self) { return self.get().ledger().has_diverged(); })
      .def(
          "request_stop", [](Server& self, const std::string& status) { self.get().request_stop(stop_status(status)); },
          py::arg("status") = "stopped")
      .def_property_readonly("rounds", [](Server& self) { return self.get().rounds(); })
      .def_property_readonly("is_gathering", [](Server& self) { return self.get().is_gathering(); })
      .def_property_readonly("version", [](Server& self) { return self.get().version(); })
      .def_property_readonly("workers", [](Server& self) { return self.get().workers(); })
      .def_property_readonly("parameters", &view_parameters)
      .def_property_readonly("seconds", [](Server& self) { return self.get().ledger().seconds(); })
      .def_property_readonly("epoch", [](Server& self) { return self.get().ledger().epoch(); })
      .def_property_readonly("counts", [](Server& self) { return to_dict(self.get().ledger().counts()); })
      .def_property_readonly("staleness", [](Server& self) { return self.get().ledger().staleness(); })
      .def("records", &Server::records, py::arg("first"))
      .def_property_readonly("num_records", &Server::num_records)
      .def("take_rows", &Server::take_rows)
      .def("take_snapshots", &Server::take_snapshots)
      .def(
          "set_validation",
          [](Server& self, std::size_t row, double loss_sum, std::uint64_t correct, std::uint64_t samples) {
            self.get().set_validation(row, {loss_sum, correct, samples});
          },
          py::arg("row"), py::arg("loss_sum"), py::arg("correct"), py::arg("samples"))
      .def_property_readonly("is_checkpoint_due", [](Server& self) { return self.get().is_checkpoint_due(); })
      .def("checkpoint", &Server::checkpoint)
      .def("finish", &Server::finish);

  py::class_<NetworkLearner>(module, "Learner")
      .def(py::init<const Network&, const ArrayDataset&, const TrainOptions&>(), py::arg("network"), py::arg("data"),
           py::arg("options"), py::keep_alive<1, 2>(), py::keep_alive<1, 3>())
      .def("gradient", &NetworkLearner::gradient, py::arg("batch"), py::arg("theta").noconvert(),
           py::arg("out").noconvert())
      .def("gradient_of", &NetworkLearner::gradient_of_samples, py::arg("samples").noconvert(),
           py::arg("theta").noconvert(), py::arg("out").noconvert());
}

}  // namespace asap::bindings
