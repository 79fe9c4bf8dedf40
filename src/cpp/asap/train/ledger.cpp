#include "asap/train/ledger.h"

#include <algorithm>

#include "asap/kernels/kernels.h"
#include "asap/staleness/histogram.h"
#include "asap/train/count.h"
#include "asap/train/evaluate.h"
#include "asap/train/resumption.h"

namespace asap {
namespace {

constexpr auto kTick = std::chrono::milliseconds(50);  // of real time: how often the observer is called
constexpr std::uint64_t kProbe = 256;                  // published updates after which parameters are kept if finite
constexpr std::size_t kEvaluationBatch = 128;          // small enough that the observer is called in time between two
constexpr std::size_t kTraced = 1024;                  // records given to the sink at a time

/// As the histograms of threads count it, and checkpoints have it: the last bin stands for all larger τ.
Distribution folded(const Distribution& distribution) {
  std::vector<std::uint64_t> counts(distribution.counts().begin(), distribution.counts().end());
  for (; counts.size() > kTauBins; counts.pop_back()) counts[kTauBins - 1] += counts.back();
  return Distribution(std::move(counts), distribution.tau_sum());
}

/// Of a resumed run also those that are no more.
std::size_t most_workers(const LedgerScope& scope, const TrainOptions& options) {
  return std::max(scope.most_workers, options.resume ? options.resume->workers.size() : 0);
}

}  // namespace

Ledger::Ledger(const TrainOptions& options, const LedgerScope& scope, std::span<const float> start,
               Parameters parameters, Observer& observer)
    : options_(options),
      row_every_(scope.row_every),
      num_parameters_(start.size()),
      batches_per_epoch_((scope.num_samples - 1) / options.batch_size + 1),
      parameters_(std::move(parameters)),
      observer_(observer),
      adaptation_(adaptation_of(options)),
      staleness_(most_workers(scope, options)),
      rejections_(most_workers(scope, options)),
      last_finite_(num_parameters_),
      next_tick_(std::chrono::steady_clock::now() + kTick) {
  std::copy(start.begin(), start.end(), last_finite_.data());
  if (options_.validation) validation_workspace_ = options_.validation->workspace(kEvaluationBatch);
  if (options_.trace) traced_.reserve(kTraced);
  if (options_.resume) go_on_from(*options_.resume);
}

void Ledger::go_on_from(const Checkpoint& before) {
  const bool same_team = is_same_team(options_);
  for (std::size_t worker = 0; worker < before.workers.size(); ++worker) {
    const WorkerTotals& totals = before.workers[worker];
    counts_ += totals.counts;
    staleness_.add(worker, totals.staleness);
    rejections_.add(worker, totals.rejections);
    if (same_team) sampled_.add(totals.sampled);
    if (same_team) sample_progress_ += totals.sample_progress;
  }
  seconds_ = before.seconds;
  last_row_ = before.last_totals;
  report_.history = before.history;
  last_finite_version_ = before.version;
}

/// Counts of gradients are kept of all workers together, as those of the first.
Checkpoint Ledger::checkpoint() const {
  Checkpoint now;
  now.version = counts_.published;
  now.gradients = counts_.gradients;
  now.seconds = seconds_;
  now.num_workers = options_.workers;
  const std::vector<Distribution> staleness = staleness_.distributions(), rejections = rejections_.distributions();
  now.workers.resize(std::max(options_.workers, staleness.size()));
  for (std::size_t worker = 0; worker < staleness.size(); ++worker) {
    now.workers[worker].staleness = folded(staleness[worker]);
    now.workers[worker].rejections = folded(rejections[worker]);
  }
  now.workers.front().counts = counts_;
  now.workers.front().sampled = folded(sampled_.distribution());
  now.workers.front().sample_progress = sample_progress_;
  now.adaptation = adaptation_.state();
  now.adaptation.counted = folded(now.adaptation.counted);
  for (TableRecord& table : now.adaptation.log.tables) table.seen = folded(table.seen);
  now.history = report_.history;
  now.last_totals = last_row_;
  now.last_row_gradients = last_row_.gradients;
  return now;
}

void Ledger::record(std::size_t worker, std::uint64_t batch, const Receipt& receipt, std::size_t samples, double loss) {
  count(counts_, receipt, samples, loss);
  if (is_scaled(receipt)) staleness_.add(worker, receipt.tau());
  if (receipt.outcome == Outcome::rejected) rejections_.add(worker, receipt.tau());
  if (options_.trace && receipt.outcome != Outcome::skipped) trace(worker, batch, receipt);
  sample(receipt);
  if (receipt.outcome == Outcome::published && counts_.published % kProbe == 0) probe();
  if (receipt.outcome == Outcome::published && options_.snapshots && counts_.published % *options_.snapshots == 0)
    observer_.on_snapshot({parameters_(), num_parameters_}, {counts_.published, epoch(), seconds_}, *this);
  if (ends_row(receipt)) add_row();
  poll();
}

void Ledger::diverge() {
  report_.status = Status::diverged;
  goes_ = false;
}

Report Ledger::finish(std::span<float> theta) {
  if (report_.status != Status::diverged) probe();
  if (counts_.gradients != last_row_.gradients || report_.history.empty()) add_row();
  flush_trace();
  if (options_.trace) report_.trace = {num_traced_, 0};
  std::copy_n(last_finite_.data(), theta.size(), theta.data());
  report_.version = last_finite_version_;
  report_.seconds = seconds_;
  report_.counts = counts_;
  report_.tables = adaptation_.state().log;
  report_.staleness = staleness_.distributions();
  report_.rejections = rejections_.distributions();
  return std::move(report_);
}

void Ledger::keep_finite(std::span<float> theta) {
  probe();
  std::copy_n(last_finite_.data(), theta.size(), theta.data());
}

Version Ledger::snapshot(std::span<float> theta) {
  std::copy_n(parameters_(), theta.size(), theta.data());
  return counts_.published;
}

void Ledger::request_stop(Status status) {
  interrupted_ |= status == Status::interrupted;
  // The observer may ask again during the last row: that masks neither a divergence nor an interruption.
  if (report_.status != Status::diverged) report_.status = interrupted_ ? Status::interrupted : status;
  goes_ = false;
}

void Ledger::trace(std::size_t worker, std::uint64_t batch, const Receipt& receipt) {
  traced_.push_back(trace_record(batch, static_cast<std::uint16_t>(worker), receipt));
  if (traced_.size() == kTraced) flush_trace();
}

void Ledger::flush_trace() {
  if (!options_.trace) return;
  options_.trace->write(traced_);
  num_traced_ += traced_.size();
  traced_.clear();
}

/// Counts what the policy samples, and makes its next table as soon as that is complete.
void Ledger::sample(const Receipt& receipt) {
  const SampleWindow window = adaptation_.window();
  const bool has_tau = is_scaled(receipt) || receipt.outcome == Outcome::rejected;
  if (!has_tau || !window.contains(receipt.replaced)) return;
  sampled_.add(receipt.tau());
  sample_progress_ += makes_progress(receipt, window);
  if (adaptation_.is_due(sample_progress_))
    adaptation_.refresh(counts_.published, sample_progress_, sampled_.distribution());
}

bool Ledger::ends_row(const Receipt& receipt) const {
  if (row_every_) return receipt.outcome == Outcome::published && counts_.published % *row_every_ == 0;
  return counts_.gradients % batches_per_epoch_ == 0;
}

void Ledger::add_row() {
  Counts since_last = counts_;
  since_last -= last_row_;
  last_row_ = counts_;
  report_.history.push_back({epoch(), counts_.published, seconds_, since_last, std::nullopt});
  probe();
  report_.history.back().validation = validate();
  observer_.on_epoch(report_.history.back(), *this);
}

/// On the parameters kept last.
std::optional<Metrics> Ledger::validate() {
  if (!options_.validation || interrupted_) return std::nullopt;
  return evaluate(*options_.validation, last_finite_.data(), kEvaluationBatch, validation_workspace_.get(),
                  [this] { return poll(); });
}

/// Keeps the present parameters if they are finite, else the run ends. Returns whether they are.
bool Ledger::probe() {
  const float* theta = parameters_();
  if (!kernels::active().all_finite(num_parameters_, theta)) {
    diverge();
    return false;
  }
  std::copy_n(theta, num_parameters_, last_finite_.data());
  last_finite_version_ = counts_.published;
  return true;
}

/// What must happen in real time. Returns whether a long job should go on.
bool Ledger::poll() {
  if (const auto now = std::chrono::steady_clock::now(); now >= next_tick_) {
    next_tick_ = now + kTick;
    observer_.on_tick(*this);
  }
  return !interrupted_;
}

double Ledger::epochs(std::uint64_t gradients) const {
  return static_cast<double>(gradients) / static_cast<double>(batches_per_epoch_);
}

}  // namespace asap
