#include "reports.h"

#include <system_error>

namespace asap::bindings {
namespace {

const char* name_of(Status status) {
  switch (status) {
    case Status::stopped:
      return "stopped";
    case Status::interrupted:
      return "interrupted";
    case Status::diverged:
      return "diverged";
    case Status::completed:
      break;
  }
  return "completed";
}

py::object reason(const std::error_code& error) {
  if (!error) return py::none();
  return py::str(error.message());
}

py::dict to_dict(const PlacementReport& placement) {
  py::dict dict;
  dict["cpus"] = placement.cpus;
  dict["nodes"] = placement.nodes;
  dict["unpinned"] = placement.unpinned;
  dict["pin_error"] = reason(placement.pin_error);
  dict["interleave_error"] = reason(placement.interleave_error);
  return dict;
}

}  // namespace

py::dict to_dict(const Counts& counts) {
  py::dict dict;
  dict["gradients"] = counts.gradients;
  dict["published"] = counts.published;
  dict["merged"] = counts.merged;
  dict["gathered"] = counts.gathered;
  dict["dropped"] = counts.dropped;
  dict["rejected"] = counts.rejected;
  dict["skipped"] = counts.skipped;
  dict["attempts"] = counts.attempts;
  dict["samples"] = counts.samples;
  dict["loss_sum"] = counts.loss_sum;
  dict["step_sum"] = counts.step_sum;
  dict["effective_step"] = counts.effective_step();
  return dict;
}

py::dict to_dict(const EpochRecord& record) {
  py::dict dict;
  dict["epoch"] = record.epoch;
  dict["updates"] = record.updates;
  dict["seconds"] = record.seconds;
  dict["training_loss"] = record.since_last.training_loss();
  dict["effective_step"] = record.since_last.effective_step();
  dict["mean_tau"] = record.since_last.mean_tau();
  dict["counts"] = to_dict(record.since_last);
  dict["validation"] = py::none();
  if (const auto& metrics = record.validation)
    dict["validation"] = py::make_tuple(metrics->loss(), metrics->accuracy(), metrics->samples);
  return dict;
}

py::dict to_dict(const Report& report) {
  py::list history, tables, figures;
  for (const EpochRecord& record : report.history) history.append(to_dict(record));
  for (const TableRecord& table : report.tables.tables)
    tables.append(py::make_tuple(table.version, to_array(table.entries), table.seen));
  for (const TableFigures& table : report.tables.figures)
    figures.append(py::make_tuple(table.version, table.mean_tau, table.mean_scale, table.mean_square));
  py::dict dict;
  dict["status"] = name_of(report.status);
  dict["version"] = report.version;
  dict["seconds"] = report.seconds;
  dict["counts"] = to_dict(report.counts);
  dict["history"] = history;
  dict["staleness"] = report.staleness;
  dict["rejections"] = report.rejections;
  dict["tables"] = tables;
  dict["table_figures"] = figures;
  dict["vectors_high_water"] = report.vectors_high_water;
  dict["pool_rescans"] = report.pool_rescans;
  dict["placement"] = to_dict(report.placement);
  dict["trace"] = py::none();
  if (report.trace) dict["trace"] = py::make_tuple(report.trace->records, report.trace->stalls);
  return dict;
}

}  // namespace asap::bindings
