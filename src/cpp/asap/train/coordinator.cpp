#include "asap/train/coordinator.h"

#include <algorithm>
#include <stdexcept>

#include "asap/core/saturating.h"
#include "asap/kernels/kernels.h"
#include "asap/train/evaluate.h"

namespace asap {
namespace {

constexpr double kTickSeconds = 0.05;          // how often the observer is called (Ctrl-C, progress)
constexpr double kProbeSeconds = 1.0;          // how often parameters are checked to be finite within an epoch
constexpr std::size_t kMostTables = 64;        // that workers may still hold, until one of them begins another update
constexpr std::size_t kEvaluationBatch = 128;  // small enough that the observer is called in time between two

}  // namespace

Coordinator::Coordinator(RunState& run, Snapshot snapshot, const StateLayout& layout, std::span<const float> start,
                         Observer& observer)
    : run_(run),
      snapshot_(std::move(snapshot)),
      observer_(observer),
      last_finite_(start.size()),
      armed_(start.size()),
      probe_(start.size()) {
  std::copy(start.begin(), start.end(), last_finite_.data());
  if (const Checkpoint* before = run.options.resume) continue_report(*before);
  if (const Objective* validation = run.options.validation)
    validation_workspace_ = validation->workspace(kEvaluationBatch);
  if (run.options.checkpoint) checkpointer_.emplace(run, snapshot_, layout);
  run.armed_snapshot.store(armed_.data(), std::memory_order_release);  // pairs with the acquire of announce_epoch()
  run.milestone.store(next_milestone(), std::memory_order_relaxed);
}

void Coordinator::serve() {
  next_probe_ = seconds() + kProbeSeconds;
  while (!run_.signal.is_over()) {
    if (const auto event = run_.events.wait_for(std::chrono::duration<double>(next_wait()))) handle(*event);
    refresh_table();
    poll();
    if (seconds() >= next_probe_) probe();
    if (checkpointer_ && checkpointer_->is_due()) take_checkpoint();
    run_.milestone.store(next_milestone(), std::memory_order_relaxed);
  }
}

Report Coordinator::finish(std::span<float> theta) {
  while (const auto event = run_.events.wait_for({})) handle(*event);
  hand_over_snapshots();
  const Version version = snapshot_(probe_.span());
  if (!finite(probe_.data())) run_.diverge();
  if (run_.diverged.load(std::memory_order_relaxed))
    report_.status = Status::diverged;
  else
    keep(probe_, version);
  if (checkpointer_ && report_.status != Status::diverged) {
    checkpointer_->copy();
    hand_over_checkpoint();  // before the last row: a resumed run goes on with the epoch in progress
  }
  add_last_row();
  report_.version = last_finite_version_;
  std::copy_n(last_finite_.data(), theta.size(), theta.data());
  report_.counts = run_.totals();
  report_.tables = run_.adaptation.state().log;
  for (const WorkerState& worker : run_.workers) {
    report_.seconds = std::max(report_.seconds, worker.ended_seconds());
    report_.staleness.push_back(worker.staleness().distribution());
    report_.rejections.push_back(worker.rejections().distribution());
  }
  return std::move(report_);
}

void Coordinator::keep_finite(std::span<float> theta) {
  while (const auto event = run_.events.wait_for({}))
    if (event->snapshot) accept_snapshot(*event);
  snapshot_(probe_.span());
  const float* kept = finite(probe_.data()) ? probe_.data() : last_finite_.data();
  std::copy_n(kept, theta.size(), theta.data());
}

/// After whatever may have forked: a child has no workers, nor anybody to give back the mutexes they hold.
void Coordinator::check_process() const {
  if (!run_.process.is_own())
    throw std::runtime_error(
        "this process was forked while a run was going on, whose workers belong to the parent: the child cannot go on "
        "with it (fork between runs, or start processes by spawn)");
}

void Coordinator::handle(const Event& event) {
  if (event.kind == Event::Kind::epoch_end) end_epoch(event);
}

void Coordinator::end_epoch(const Event& event) {
  const bool current = event.snapshot ? accept_snapshot(event) : is_latest(event) && probe() == event.totals.published;
  if (!current && run_.diverged.load(std::memory_order_relaxed)) return;  // the last row has it, with a validation
  if (event.gradients <= last_row_gradients_) return;  // announced after the end of a later epoch: its row has it
  add_row(event.gradients, event.seconds, event.totals, current ? last_finite_.data() : nullptr);
}

/// A worker filled the armed vector. If its values are finite it becomes the last finite one; either way another is
/// armed.
bool Coordinator::accept_snapshot(const Event& event) {
  const bool accepted = finite(event.snapshot);
  if (accepted)
    keep(armed_, event.version);
  else
    run_.diverge();
  run_.armed_snapshot.store(armed_.data(), std::memory_order_release);  // pairs with the exchange in announce_epoch()
  return accepted;
}

void Coordinator::add_row(std::uint64_t gradients, double seconds, const Counts& totals, const float* validate_on) {
  Counts since_last = totals;
  since_last -= last_totals_;
  last_totals_ = totals;
  last_row_gradients_ = gradients;
  report_.history.push_back({epochs(gradients), totals.published, seconds, since_last, std::nullopt});
  if (validate_on) report_.history.back().validation = validate(validate_on);
  observer_.on_epoch(report_.history.back(), *this);
  check_process();
}

/// A row for the rest when the run ended within an epoch.
void Coordinator::add_last_row() {
  const Counts totals = run_.totals();
  if (last_row_gradients_ == totals.gradients && !report_.history.empty()) return;
  double end = 0;
  for (const WorkerState& worker : run_.workers) end = std::max(end, worker.ended_seconds());
  add_row(totals.gradients, end, totals, last_finite_.data());
}

/// Rebuilds the scale table once enough is in the workers' counters. A worker that is long at one update may hold any
/// table that was in force since: beyond some of them the next one waits for it.
void Coordinator::refresh_table() {
  const std::uint64_t progress = sample_progress();
  if (!run_.adaptation.is_due(progress) || run_.tables.num_kept() >= kMostTables) return;
  const Version now = run_.totals().published;  // behind all that made the progress, whose workers counted it before
  run_.adaptation.refresh(now, progress, merged(&WorkerState::sampled));
  run_.tables.replace(run_.adaptation.table());
  check_process();
}

/// Within long epochs too: parameters that are not finite end the run, finite ones are kept.
/// Returns their version.
std::optional<Version> Coordinator::probe() {
  const Version version = snapshot_(probe_.span());
  next_probe_ = seconds() + kProbeSeconds;
  if (!finite(probe_.data())) {
    run_.diverge();
    return std::nullopt;
  }
  keep(probe_, version);
  return version;
}

void Coordinator::keep(AlignedBuffer<float>& finite, Version version) {
  std::swap(finite, last_finite_);
  last_finite_version_ = version;
}

void Coordinator::hand_over_snapshots() {
  run_.snapshots.hand_over([this](std::span<const float> theta, const Moment& moment) {
    observer_.on_snapshot(theta, moment, *this);
    check_process();
  });
}

/// What must happen in time, evaluation or not. Returns whether a long job should go on.
bool Coordinator::poll() {
  hand_over_snapshots();
  const double now = seconds();
  if (run_.options.seconds && now >= *run_.options.seconds) run_.signal.stop();
  if (now >= next_tick_) {
    next_tick_ = now + kTickSeconds;
    observer_.on_tick(*this);
    check_process();
  }
  return !interrupted_;
}

std::optional<Metrics> Coordinator::validate(const float* theta) {
  if (!run_.options.validation || interrupted_) return std::nullopt;
  return evaluate(*run_.options.validation, theta, kEvaluationBatch, validation_workspace_.get(), [this] {
    if (!run_.signal.is_over()) refresh_table();  // an evaluation may take longer than many tables are in force
    return poll();
  });
}

Distribution Coordinator::merged(const TauHistogram& (WorkerState::*part)() const) const {
  std::vector<std::uint64_t> counts(kTauBins);
  std::uint64_t tau_sum = 0;
  for (const WorkerState& worker : run_.workers) tau_sum += (worker.*part)().merge_into(counts);
  const LastBin last = last_bin(counts);
  return Distribution(std::move(counts), tau_sum, last);
}

void Coordinator::request_stop(Status status) {
  interrupted_ |= status == Status::interrupted;
  // The observer may ask again during the last row: that masks neither a divergence nor an interruption.
  if (report_.status != Status::diverged) report_.status = interrupted_ ? Status::interrupted : status;
  run_.signal.stop();
}

/// Whether no gradient was counted since: the present parameters may well be those at the end of that epoch.
bool Coordinator::is_latest(const Event& event) const {
  return event.gradients == run_.gradients.load(std::memory_order_relaxed);
}

double Coordinator::epochs(std::uint64_t gradients) const {
  return static_cast<double>(gradients) / static_cast<double>(run_.batches.batches_per_epoch());
}

double Coordinator::next_wait() const {
  double next = run_.options.seconds ? std::min(next_tick_, *run_.options.seconds) : next_tick_;
  if (checkpointer_) next = std::min(next, checkpointer_->due_seconds());
  return std::max(0.0, next - seconds());
}

/// Of all workers, towards the next table.
std::uint64_t Coordinator::sample_progress() const {
  std::uint64_t progress = 0;
  for (const WorkerState& worker : run_.workers) progress += worker.sample_progress();
  return progress;
}

/// The number of gradients at which it is worth being woken up. A gradient makes one version at most, and as much
/// progress towards a table: where some make none it is too early, and the next one is nearer.
std::uint64_t Coordinator::next_milestone() const {
  // acquire: pairs with the workers' fetch_add; what these gradients left is counted below.
  const std::uint64_t gradients = run_.gradients.load(std::memory_order_acquire);
  const bool waits_for_worker = run_.tables.num_kept() >= kMostTables;
  const std::uint64_t table = waits_for_worker ? Adaptation::kNever : run_.adaptation.remaining(sample_progress());
  const std::uint64_t checkpoint = checkpointer_ ? checkpointer_->remaining_updates() : Adaptation::kNever;
  return saturating_sum(gradients, std::min(table, checkpoint));
}

bool Coordinator::finite(const float* theta) const { return kernels::active().all_finite(num_parameters(), theta); }

}  // namespace asap
