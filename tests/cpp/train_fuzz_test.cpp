// Random runs: whatever the combination of options, the documented invariants hold, and a failure at any point ends the
// run with that failure. The plans are fixed; ASAP_FUZZ_RUNS and ASAP_FUZZ_FIRST choose more or others of them.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "asap/kernels/kernels.h"
#include "asap/train/evaluate.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "dice.h"
#include "engines.h"
#include "quadratic.h"

namespace {

using namespace asap;

enum class Fault {
  none,
  workspace,
  gradient,
  policy,
  on_epoch,
  on_tick,
  bad_loss,
  bad_gradient,
  stop,
  kFaults,
};

/// What one random run is made of.
struct Plan {
  std::size_t parameters = 1, samples = 1;
  TrainOptions options;
  Fault fault = Fault::none;
  int fault_at = 0;  // the call in which it happens
  bool validated = false;
  bool resampled = false;  // the scale table changes while the run goes on
};

engine::Read random_read(Dice& dice) {
  constexpr engine::Read kReads[]{engine::Read::automatic, engine::Read::in_place, engine::Read::copy};
  return kReads[dice.below(3)];
}

engine::Engine random_engine(Dice& dice) {
  switch (dice.below(7)) {
    case 0:
      return engine::Sequential{};
    case 1:
      return engine::Synchronous{};
    case 2:
      return engine::Locked{};
    case 3:
      return engine::Hogwild{.read = random_read(dice)};
    case 4:
      return engine::Leashed{.persistence = dice.below(4), .read = random_read(dice)};
    case 5:
      return engine::Softsync{.n = dice.below(2)};  // every gradient an update, or those of all workers one
    default:
      return engine::Leashed{.read = random_read(dice)};
  }
}

void set_limits(Dice& dice, Plan& plan) {
  const std::uint64_t limits = dice.within(1, 7);
  const std::uint64_t batches = (plan.samples + plan.options.batch_size - 1) / plan.options.batch_size;
  if (limits & 1) plan.options.updates = dice.within(1, 400);
  if (limits & 2) plan.options.epochs = dice.within(1, 1 + 400 / batches);
  if (limits & 4) plan.options.seconds = static_cast<double>(dice.within(1, 60)) / 1000;
}

Plan random_plan(std::uint64_t seed) {
  Dice dice(seed);
  Plan plan;
  plan.parameters = dice.one_of<std::size_t>({1, 3, 16, 17, 200, 3000});
  plan.samples = dice.within(1, 60);
  TrainOptions& options = plan.options;
  options.engine = random_engine(dice);
  options.workers = engines::alone(options.engine) ? 1 : dice.one_of<std::size_t>({1, 2, 2, 3, 4, 5, 8, 16, 64});
  options.batch_size = dice.within(1, 20);
  set_limits(dice, plan);
  options.rate = dice.once_in(2) ? Rate::constant(0.125) : Rate::cosine(0.25, 0.01, 100);
  options.policy = random_policy(dice, 4, 20);
  plan.resampled = options.policy.sample.has_value();
  if (dice.once_in(3)) options.momentum = 0.5;
  if (dice.once_in(3)) options.weight_decay = 0.01;
  options.seed = dice.below(3);
  plan.validated = dice.once_in(2);
  if (dice.once_in(3)) plan.fault = static_cast<Fault>(dice.below(static_cast<std::uint64_t>(Fault::kFaults)));
  plan.fault_at = static_cast<int>(dice.within(1, 60));
  Dice pauses(seed, 3);
  if (pauses.once_in(2))
    options.checkpoint = {.every = static_cast<double>(pauses.within(1, 30)),
                          .unit = CheckpointInterval::Unit::updates};
  return plan;
}

struct Planned : std::runtime_error {
  Planned() : std::runtime_error("planned failure") {}
};

/// Gradients of ones, so that every component of θ ends at −Σ η·C(τ); fails as planned.
class Steady : public Quadratic {
 public:
  explicit Steady(const Plan& plan) : Quadratic(plan.parameters, plan.samples), plan_(plan) {}

  std::unique_ptr<Workspace> workspace(std::size_t) const override {
    if (plan_.fault == Fault::workspace &&
        ++workspaces_ == 1 + plan_.fault_at % static_cast<int>(plan_.options.workers))
      throw Planned();
    return nullptr;
  }

  double gradient(const float*, const Batch&, Workspace*, float* gradient) const override {
    const bool now = gradients_.fetch_add(1) + 1 == plan_.fault_at;
    if (now && plan_.fault == Fault::gradient) throw Planned();
    const bool bad = now && plan_.fault == Fault::bad_gradient;
    std::fill_n(gradient, num_parameters(), bad ? std::numeric_limits<float>::infinity() : 1.0f);
    return now && plan_.fault == Fault::bad_loss ? std::numeric_limits<double>::quiet_NaN() : 2.0;
  }

  bool reached() const { return gradients_ >= plan_.fault_at; }

 private:
  const Plan& plan_;
  mutable std::atomic<int> gradients_{0}, workspaces_{0};
};

/// Checks what it is shown while the run goes on; fails or stops as planned.
class Witness : public Observer {
 public:
  explicit Witness(const Plan& plan) : plan_(plan) {}

  void on_epoch(const EpochRecord& row, LiveRun& live) override {
    rows_.push_back(row);
    std::vector<float> theta(plan_.parameters);
    CHECK(live.snapshot(theta) >= row.updates);
    CHECK(live.counts().published >= row.updates);
    if (plan_.fault == Fault::stop && rows_.size() == 2) live.request_stop();
    if (plan_.fault == Fault::on_epoch && rows_.size() == 2) throw Planned();
  }
  void on_tick(LiveRun&) override {
    ticked_ = true;
    if (plan_.fault == Fault::on_tick) throw Planned();
  }
  void on_checkpoint(const Checkpoint& checkpoint, LiveRun& live) override {
    Counts counts;
    for (const WorkerTotals& worker : checkpoint.workers) counts += worker.counts;
    CHECK_EQUAL(counts.gradients, checkpoint.gradients);
    CHECK_EQUAL(counts.published, checkpoint.version);
    CHECK(live.counts().gradients >= checkpoint.gradients);
  }
  bool ticked() const { return ticked_; }

  const std::vector<EpochRecord>& rows() const { return rows_; }

 private:
  const Plan& plan_;
  std::vector<EpochRecord> rows_;
  bool ticked_ = false;
};

struct Sums {
  std::uint64_t updates = 0, taus = 0;
};

Sums sums_of(const std::vector<Distribution>& distributions) {
  Sums sums;
  for (const Distribution& distribution : distributions) {
    sums.updates += distribution.total();
    sums.taus += distribution.tau_sum();
  }
  return sums;
}

bool hogwild(const Plan& plan) { return std::holds_alternative<engine::Hogwild>(plan.options.engine); }
std::uint64_t gradients_per_update(const Plan& plan) {
  const auto* softsync = std::get_if<engine::Softsync>(&plan.options.engine);
  return softsync ? softsync->gradients(plan.options.workers) : 1;
}
bool synchronous(const Plan& plan) { return std::holds_alternative<engine::Synchronous>(plan.options.engine); }

void check_counts(const Plan& plan, const Report& report) {
  const Counts& counts = report.counts;
  CHECK_EQUAL(counts.gradients, counts.published + counts.merged + counts.gathered + counts.dropped + counts.rejected);
  CHECK_EQUAL(sums_of(report.staleness).updates, counts.scaled());
  CHECK_EQUAL(sums_of(report.staleness).taus, counts.tau_sum);
  CHECK_EQUAL(sums_of(report.rejections).updates, counts.rejected);
  if (!synchronous(plan)) CHECK_EQUAL(counts.merged, 0u);
  CHECK_EQUAL(counts.scaled() / gradients_per_update(plan), counts.published);
  CHECK_EQUAL(counts.loss_sum, 2.0 * static_cast<double>(counts.samples));
  if (const auto* engine = std::get_if<engine::Leashed>(&plan.options.engine)) {
    if (engine->persistence == engine::Leashed::kUnbounded)
      CHECK_EQUAL(counts.dropped, 0u);
    else
      CHECK(counts.attempts >= counts.published + counts.dropped * (engine->persistence + 1));
  } else {
    CHECK_EQUAL(counts.attempts, counts.published);
    CHECK_EQUAL(counts.dropped, 0u);
  }
  if (plan.options.workers == 1 || synchronous(plan))
    for (const Distribution& distribution : report.staleness) CHECK_EQUAL(distribution.max_tau(), 0u);
}

void check_limits(const Plan& plan, const Report& report) {
  const TrainOptions& options = plan.options;
  const Counts& counts = report.counts;
  const std::uint64_t batches = (plan.samples + options.batch_size - 1) / options.batch_size;
  if (options.updates) CHECK(counts.published <= *options.updates);
  if (options.epochs) CHECK(counts.gradients <= *options.epochs * batches);
  if (report.status != Status::completed || options.seconds) return;
  if (!options.epochs) CHECK_EQUAL(counts.published, *options.updates);
  if (!options.updates) {
    CHECK_EQUAL(counts.gradients, *options.epochs * batches);
    CHECK_EQUAL(counts.samples, *options.epochs * plan.samples);
  }
  if (options.epochs && options.updates)
    CHECK(counts.published == *options.updates || counts.gradients == *options.epochs * batches);
}

void check_history(const Report& report, const Witness& witness) {
  CHECK_EQUAL(witness.rows().size(), report.history.size());
  Counts left = report.counts;
  double before = -1;
  for (const EpochRecord& row : report.history) {
    CHECK(row.epoch > before);
    before = row.epoch;
    left -= row.since_last;
    const Counts& counts = row.since_last;
    CHECK_EQUAL(counts.gradients,
                counts.published + counts.merged + counts.gathered + counts.dropped + counts.rejected);
  }
  CHECK_EQUAL(left.gradients, 0u);
  CHECK_EQUAL(left.published, 0u);
  CHECK_EQUAL(left.merged, 0u);
  CHECK_EQUAL(left.gathered, 0u);
  CHECK_EQUAL(left.dropped, 0u);
  CHECK_EQUAL(left.rejected, 0u);
  CHECK_EQUAL(left.attempts, 0u);
  CHECK_EQUAL(left.samples, 0u);
  CHECK_EQUAL(left.tau_sum, 0u);
  CHECK_NEAR(left.step_sum, 0.0, 1e-9);
  CHECK_EQUAL(report.history.back().updates, report.counts.published);
}

/// Searches of one worker find a vector at once; one that others overtake may have to start over.
void check_vectors(const Plan& plan, const Report& report) {
  const bool overtaken = std::holds_alternative<engine::Leashed>(plan.options.engine) && plan.options.workers > 1;
  if (!overtaken) CHECK_EQUAL(report.pool_rescans, 0u);
  CHECK(report.vectors_high_water >= 1);
  CHECK(report.vectors_high_water <= 3 * plan.options.workers + 1);  // m copies, and the pool's 2m + 1
}

/// Σ η·C(τ) from the histograms, where one table and one rate held all the time.
void check_steps(const Plan& plan, const Report& report) {
  if (plan.resampled || plan.options.rate(0) != plan.options.rate(100)) return;
  const std::vector<double>& table = report.tables.tables.front().entries;
  double sum = 0;
  for (const Distribution& distribution : report.staleness)
    for (Tau tau = 0; tau < distribution.counts().size(); ++tau)
      sum += static_cast<double>(distribution.counts()[tau]) * plan.options.rate(0) *
             table[std::min<std::size_t>(tau, table.size() - 1)];
  CHECK_NEAR(report.counts.step_sum, sum, 1e-9 * (1 + sum));
}

void check_parameters(const Plan& plan, const Report& report, const std::vector<float>& theta) {
  CHECK(kernels::active().all_finite(theta.size(), theta.data()));
  const bool plain = plan.options.momentum == 0.0 && plan.options.weight_decay == 0.0;
  if (!plain || report.status == Status::diverged || (hogwild(plan) && plan.options.workers > 1)) return;
  if (report.counts.scaled() % gradients_per_update(plan) != 0) return;  // some are left over
  CHECK(std::all_of(theta.begin(), theta.end(), [&](float value) { return value == theta.front(); }));
  const double sum = report.counts.step_sum / static_cast<double>(gradients_per_update(plan));
  const auto roundings = static_cast<double>(report.counts.scaled() + plan.options.workers);  // of sums and averages
  CHECK_NEAR(theta.front(), -sum, sum * roundings * 0x1p-23);
}

void check_report(const Plan& plan, const Report& report, const Witness& witness, const std::vector<float>& theta) {
  check_counts(plan, report);
  check_limits(plan, report);
  check_history(report, witness);
  check_vectors(plan, report);
  check_steps(plan, report);
  check_parameters(plan, report, theta);
  CHECK(report.tables.tables.size() <= (plan.resampled || plan.fault == Fault::policy ? 2u : 1u));
  if (!plan.validated) return;
  const auto& last = report.history.back().validation;
  CHECK(last.has_value());
  const Quadratic held_out(plan.parameters, plan.samples);
  if (last) CHECK_NEAR(last->loss(), evaluate(held_out, theta.data()).loss(), 1e-9 * (1 + last->loss()));
}

void run(Plan plan) {
  const Quadratic held_out(plan.parameters, plan.samples);
  if (plan.validated) plan.options.validation = &held_out;
  bool policy_failed = false;
  if (plan.fault == Fault::policy)
    plan.options.policy = {"faulty",
                           [&](const Distribution& distribution, const StepContext&) {
                             if (distribution.empty()) return ScaleTable({1.0});
                             policy_failed = true;
                             throw Planned();
                           },
                           SampleWindow{1, 3}};
  const Steady objective(plan);
  Witness witness(plan);
  std::vector<float> theta(plan.parameters);
  bool failed = false;
  try {
    const Report report = train(objective, theta, plan.options, witness);
    check_report(plan, report, witness, theta);
    const bool bad = plan.fault == Fault::bad_loss || plan.fault == Fault::bad_gradient;
    if (!bad) CHECK(report.status != Status::diverged);
    if (plan.fault == Fault::bad_loss && objective.reached()) CHECK(report.status == Status::diverged);
    if (plan.fault == Fault::none) CHECK(report.status == Status::completed);
  } catch (const Planned&) {
    failed = true;
    CHECK(kernels::active().all_finite(theta.size(), theta.data()));
  }
  if (plan.fault == Fault::workspace) CHECK(failed);
  if (plan.fault == Fault::on_tick) CHECK_EQUAL(failed, witness.ticked());  // a very short run ends before
  if (plan.fault == Fault::gradient) CHECK_EQUAL(failed, objective.reached());
  if (plan.fault == Fault::policy) CHECK_EQUAL(failed, policy_failed);
  if (plan.fault == Fault::on_epoch) CHECK_EQUAL(failed, witness.rows().size() >= 2);
}

std::string described(std::uint64_t seed, const Plan& plan) {
  const TrainOptions& options = plan.options;
  std::ostringstream text;
  const auto limit = [&](const char* name, const auto& value) {
    if (value) text << " " << name << " " << *value;
  };
  text << "run " << seed << ": engine " << options.engine.index() << ", " << options.workers << " workers, "
       << plan.parameters << " parameters, " << plan.samples << " samples, batch " << options.batch_size << ", "
       << options.policy.name << ", fault " << static_cast<int>(plan.fault) << " at " << plan.fault_at << ",";
  limit("epochs", options.epochs);
  limit("updates", options.updates);
  limit("seconds", options.seconds);
  return text.str();
}

}  // namespace

TEST(random_runs_keep_all_promises) {
  const char* wanted = std::getenv("ASAP_FUZZ_RUNS");
  const char* offset = std::getenv("ASAP_FUZZ_FIRST");
  const std::uint64_t first = offset ? std::strtoull(offset, nullptr, 10) : 0;
  const std::uint64_t runs = wanted ? std::strtoull(wanted, nullptr, 10) : 200;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    const int failures_before = check::failures();
    const Plan plan = random_plan(seed);
    run(plan);
    if (check::failures() > failures_before) std::cout << "  in " << described(seed, plan) << "\n";
  }
}
