#include "checkpoint_arrays.h"

#include <array>
#include <string>

#include "asap/staleness/histogram.h"

namespace asap::bindings {
namespace {

// The columns of counts: those of Counts, and what stands behind them.
constexpr std::size_t kCounts = 10, kSums = 2;
constexpr std::size_t kWorkerCounts = kCounts + 4;         // Σ τ of three distributions, sample_progress
constexpr std::size_t kRowCounts = kCounts + 4;            // updates; whether validated, correct, samples
constexpr std::size_t kRowSums = kSums + 3;                // epoch, seconds; loss of the validation
constexpr std::size_t kFigureCounts = 2, kFigureSums = 3;  // of a scale table

/// A table in rows, written or read cell by cell.
template <class T>
class Table {
 public:
  Table(std::size_t rows, std::size_t columns)
      : array_({rows, columns}), cells_(array_.mutable_data()), columns_(columns) {}
  Table(const py::dict& arrays, const char* name, std::size_t columns)
      : array_(py::cast<Contiguous<T>>(arrays[name])), cells_(nullptr), columns_(columns) {
    if (array_.ndim() != 2 || (columns != 0 && static_cast<std::size_t>(array_.shape(1)) != columns))
      invalid_argument(name, " of a checkpoint must be a table of ", columns, " columns");
    columns_ = static_cast<std::size_t>(array_.shape(1));
  }

  std::size_t rows() const { return static_cast<std::size_t>(array_.shape(0)); }
  T* row(std::size_t i) { return cells_ + i * columns_; }
  std::span<const T> row(std::size_t i) const { return {array_.data() + i * columns_, columns_}; }
  const py::array_t<T, py::array::c_style>& array() const { return array_; }

 private:
  Contiguous<T> array_;
  T* cells_;
  std::size_t columns_;
};

std::uint64_t* write(const Counts& counts, std::uint64_t* to) {
  for (const std::uint64_t number : {counts.gradients, counts.published, counts.merged, counts.gathered, counts.dropped,
                                     counts.rejected, counts.skipped, counts.attempts, counts.samples, counts.tau_sum})
    *to++ = number;
  return to;
}

double* write_sums(const Counts& counts, double* to) {
  *to++ = counts.loss_sum;
  *to++ = counts.step_sum;
  return to;
}

Counts read_counts(std::span<const std::uint64_t> from, std::span<const double> sums) {
  return {.gradients = from[0],
          .published = from[1],
          .merged = from[2],
          .gathered = from[3],
          .dropped = from[4],
          .rejected = from[5],
          .skipped = from[6],
          .attempts = from[7],
          .samples = from[8],
          .tau_sum = from[9],
          .loss_sum = sums[0],
          .step_sum = sums[1]};
}

using Part = Distribution WorkerTotals::*;

/// Counts of τ, a row per worker, as wide as the largest τ of any.
py::array histograms(const std::vector<WorkerTotals>& workers, Part part) {
  std::size_t widest = 0;
  for (const WorkerTotals& worker : workers) widest = std::max(widest, (worker.*part).counts().size());
  Table<std::uint64_t> table(workers.size(), widest);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const auto counts = (workers[i].*part).counts();
    std::fill(std::copy(counts.begin(), counts.end(), table.row(i)), table.row(i) + widest, 0);
  }
  return table.array();
}

Distribution histogram(const Table<std::uint64_t>& table, std::size_t i, std::uint64_t tau_sum) {
  const auto counts = table.row(i);
  return Distribution({counts.begin(), counts.end()}, tau_sum);
}

void write_workers(const std::vector<WorkerTotals>& workers, py::dict& arrays) {
  Table<std::uint64_t> counts(workers.size(), kWorkerCounts);
  Table<double> sums(workers.size(), kSums);
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const WorkerTotals& worker = workers[i];
    std::uint64_t* to = write(worker.counts, counts.row(i));
    for (const std::uint64_t number :
         {worker.staleness.tau_sum(), worker.rejections.tau_sum(), worker.sampled.tau_sum(), worker.sample_progress})
      *to++ = number;
    write_sums(worker.counts, sums.row(i));
  }
  arrays["workers.counts"] = counts.array();
  arrays["workers.sums"] = sums.array();
  arrays["workers.staleness"] = histograms(workers, &WorkerTotals::staleness);
  arrays["workers.rejections"] = histograms(workers, &WorkerTotals::rejections);
  arrays["workers.sampled"] = histograms(workers, &WorkerTotals::sampled);
}

std::vector<WorkerTotals> read_workers(const py::dict& arrays) {
  const Table<std::uint64_t> counts(arrays, "workers.counts", kWorkerCounts);
  const Table<double> sums(arrays, "workers.sums", kSums);
  const Table<std::uint64_t> staleness(arrays, "workers.staleness", 0), rejections(arrays, "workers.rejections", 0),
      sampled(arrays, "workers.sampled", 0);
  for (const std::size_t rows : {sums.rows(), staleness.rows(), rejections.rows(), sampled.rows()})
    if (rows != counts.rows()) invalid_argument("the tables of a checkpoint's workers must have a row for each");
  std::vector<WorkerTotals> workers(counts.rows());
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const auto row = counts.row(i);
    workers[i] = {read_counts(row, sums.row(i)), histogram(staleness, i, row[kCounts]),
                  histogram(rejections, i, row[kCounts + 1]), histogram(sampled, i, row[kCounts + 2]),
                  row[kCounts + 3]};
  }
  return workers;
}

void write_history(const Checkpoint& checkpoint, py::dict& arrays) {
  Table<std::uint64_t> counts(checkpoint.history.size(), kRowCounts);
  Table<double> sums(checkpoint.history.size(), kRowSums);
  for (std::size_t i = 0; i < checkpoint.history.size(); ++i) {
    const EpochRecord& record = checkpoint.history[i];
    const Metrics validation = record.validation.value_or(Metrics{});
    std::uint64_t* to = write(record.since_last, counts.row(i));
    for (const std::uint64_t number :
         {record.updates, std::uint64_t{record.validation.has_value()}, validation.correct, validation.samples})
      *to++ = number;
    double* sum = write_sums(record.since_last, sums.row(i));
    for (const double number : {record.epoch, record.seconds, validation.loss_sum}) *sum++ = number;
  }
  arrays["history.counts"] = counts.array();
  arrays["history.sums"] = sums.array();
  Table<std::uint64_t> last_counts(1, kCounts);
  Table<double> last_sums(1, kSums);
  write(checkpoint.last_totals, last_counts.row(0));
  write_sums(checkpoint.last_totals, last_sums.row(0));
  arrays["last_row.counts"] = last_counts.array();
  arrays["last_row.sums"] = last_sums.array();
}

void read_history(const py::dict& arrays, Checkpoint& checkpoint) {
  const Table<std::uint64_t> counts(arrays, "history.counts", kRowCounts);
  const Table<double> sums(arrays, "history.sums", kRowSums);
  const Table<std::uint64_t> last_counts(arrays, "last_row.counts", kCounts);
  const Table<double> last_sums(arrays, "last_row.sums", kSums);
  if (sums.rows() != counts.rows() || last_counts.rows() != 1 || last_sums.rows() != 1)
    invalid_argument("the tables of a checkpoint's history must have the same rows");
  for (std::size_t i = 0; i < counts.rows(); ++i) {
    const auto row = counts.row(i);
    const auto figures = sums.row(i);
    EpochRecord record{figures[kSums], row[kCounts], figures[kSums + 1], read_counts(row, figures), std::nullopt};
    if (row[kCounts + 1] != 0) record.validation = Metrics{figures[kSums + 2], row[kCounts + 2], row[kCounts + 3]};
    checkpoint.history.push_back(record);
  }
  checkpoint.last_totals = read_counts(last_counts.row(0), last_sums.row(0));
}

template <class T>
std::vector<T> vector_from(const py::dict& arrays, const std::string& name) {
  if (!arrays.contains(name)) return {};
  const auto array = py::cast<Contiguous<T>>(arrays[name.c_str()]);
  return {array.data(), array.data() + array.size()};
}

std::string name_of(const char* kind, std::size_t i) { return kind + std::to_string(i); }

void write_adaptation(const AdaptationState& adaptation, py::dict& dict, py::dict& arrays) {
  py::list numbers, versions;
  for (const TableRecord& table : adaptation.log.tables) {
    arrays[name_of("tables.", py::len(numbers)).c_str()] = to_array(table.entries);
    arrays[name_of("seen.", py::len(numbers)).c_str()] = to_array(table.seen.counts());
    numbers.append(table.number);
    versions.append(table.version);
  }
  Table<std::uint64_t> counts(adaptation.log.figures.size(), kFigureCounts);
  Table<double> sums(adaptation.log.figures.size(), kFigureSums);
  for (std::size_t i = 0; i < adaptation.log.figures.size(); ++i) {
    const TableFigures& table = adaptation.log.figures[i];
    std::copy_n(std::array{table.number, table.version}.begin(), kFigureCounts, counts.row(i));
    std::copy_n(std::array{table.mean_tau, table.mean_scale, table.mean_square}.begin(), kFigureSums, sums.row(i));
  }
  arrays["figures.counts"] = counts.array();
  arrays["figures.sums"] = sums.array();
  arrays["counted"] = to_array(adaptation.counted.counts());
  dict["sampling_from"] = adaptation.from;
  dict["sampled"] = adaptation.progress;
  dict["table_numbers"] = numbers;
  dict["table_versions"] = versions;
}

/// Weights of τ, or counts, as threads count it.
Distribution sampled_from(const py::dict& arrays, const std::string& name) {
  std::vector<std::uint64_t> bins = vector_from<std::uint64_t>(arrays, name);
  const LastBin last = last_bin(bins);
  return Distribution(std::move(bins), last);
}

AdaptationState read_adaptation(const py::dict& dict, const py::dict& arrays) {
  AdaptationState adaptation{.from = py::cast<Version>(dict["sampling_from"]),
                             .progress = py::cast<std::uint64_t>(dict["sampled"]),
                             .counted = sampled_from(arrays, "counted"),
                             .log = {}};
  const auto numbers = py::cast<std::vector<std::uint64_t>>(dict["table_numbers"]);
  const auto versions = py::cast<std::vector<Version>>(dict["table_versions"]);
  if (versions.size() != numbers.size()) invalid_argument("a checkpoint must have a version for each scale table");
  for (std::size_t i = 0; i < numbers.size(); ++i)
    adaptation.log.tables.push_back({numbers[i], versions[i], vector_from<double>(arrays, name_of("tables.", i)),
                                     sampled_from(arrays, name_of("seen.", i))});
  const Table<std::uint64_t> counts(arrays, "figures.counts", kFigureCounts);
  const Table<double> sums(arrays, "figures.sums", kFigureSums);
  if (counts.rows() != sums.rows())
    invalid_argument("the figures of a checkpoint's scale tables must have the same rows");
  for (std::size_t i = 0; i < counts.rows(); ++i)
    adaptation.log.figures.push_back(
        {counts.row(i)[0], counts.row(i)[1], sums.row(i)[0], sums.row(i)[1], sums.row(i)[2]});
  return adaptation;
}

}  // namespace

py::dict to_dict(const Checkpoint& checkpoint) {
  py::dict dict, arrays;
  arrays["parameters"] = to_array(checkpoint.theta);
  if (!checkpoint.velocity.empty()) arrays["velocity"] = to_array(checkpoint.velocity);
  if (!checkpoint.movement.empty()) arrays["movement"] = to_array(checkpoint.movement);
  if (!checkpoint.open.empty()) arrays["open"] = to_array(checkpoint.open);
  write_workers(checkpoint.workers, arrays);
  write_history(checkpoint, arrays);
  write_adaptation(checkpoint.adaptation, dict, arrays);
  dict["version"] = checkpoint.version;
  dict["gradients"] = checkpoint.gradients;
  dict["seconds"] = checkpoint.seconds;
  dict["num_workers"] = checkpoint.num_workers;
  dict["last_row_gradients"] = checkpoint.last_row_gradients;
  dict["arrays"] = arrays;
  return dict;
}

Checkpoint checkpoint_from(const py::dict& dict) {
  const auto arrays = py::cast<py::dict>(dict["arrays"]);
  Checkpoint checkpoint;
  checkpoint.version = py::cast<Version>(dict["version"]);
  checkpoint.gradients = py::cast<std::uint64_t>(dict["gradients"]);
  checkpoint.seconds = py::cast<double>(dict["seconds"]);
  checkpoint.num_workers = py::cast<std::size_t>(dict["num_workers"]);
  checkpoint.last_row_gradients = py::cast<std::uint64_t>(dict["last_row_gradients"]);
  checkpoint.theta = vector_from<float>(arrays, "parameters");
  checkpoint.velocity = vector_from<float>(arrays, "velocity");
  checkpoint.movement = vector_from<float>(arrays, "movement");
  checkpoint.open = vector_from<std::uint64_t>(arrays, "open");
  checkpoint.workers = read_workers(arrays);
  read_history(arrays, checkpoint);
  checkpoint.adaptation = read_adaptation(dict, arrays);
  return checkpoint;
}

}  // namespace asap::bindings
