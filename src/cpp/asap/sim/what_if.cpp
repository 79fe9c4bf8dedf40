#include "asap/sim/what_if.h"

#include <limits>

#include "asap/core/error.h"
#include "asap/sim/schedule.h"
#include "asap/sim/virtual_team.h"
#include "asap/trace/check.h"
#include "asap/train/check_options.h"

namespace asap {
namespace {

using namespace sim;

/// The schedule limits itself.
SimulationOptions without_limits(const TrainOptions& options) {
  SimulationOptions unlimited{.train = options};
  unlimited.train.updates = unlimited.train.seconds = {};
  unlimited.train.epochs = std::numeric_limits<std::uint64_t>::max();
  return unlimited;
}

/// What became of one gradient, or of those of a round.
void settle(VirtualTeam& team, const engine::Engine& engine, const Schedule& schedule,
            std::span<const std::uint64_t> indices) {
  if (indices.size() > 1) {
    std::vector<std::size_t> workers;
    for (const std::uint64_t index : indices) workers.push_back(schedule[index].worker);
    return team.publish_round(workers);
  }
  const TraceRecord& record = schedule[indices.front()];
  const bool dropped = record.outcome == Outcome::dropped;
  const std::uint32_t in_vain = record.attempts - (record.outcome == Outcome::published ? 1 : 0);
  for (std::uint32_t attempt = 0; attempt < in_vain; ++attempt) team.fail(record.worker);
  const bool accepts = team.prepare(record.worker);
  if (const auto* softsync = std::get_if<engine::Softsync>(&engine))
    team.gather(record.worker, softsync->gradients(team.capacity()));
  else if (dropped && accepts)
    team.drop(record.worker);
  else
    team.publish(record.worker);
}

}  // namespace

Report what_if(const Objective& objective, std::span<float> theta, const TrainOptions& options,
               std::span<const TraceRecord> records, Observer& observer) {
  const SimulationOptions unlimited = without_limits(options);
  check(unlimited.train, std::size_t{1} << 16);
  check(objective, theta);
  if (options.validation) check_validation(objective, *options.validation);
  check_trace(records, options.workers);
  const Schedule schedule(records, options.workers);
  const VirtualTeam* present = nullptr;
  Ledger ledger(
      unlimited.train, {objective.num_samples(), options.workers}, theta, [&] { return present->parameters(); },
      observer);
  VirtualTeam team(objective, unlimited, theta, ledger);
  present = &team;
  try {
    schedule.walk([&] { return ledger.goes(); },
                  [&](const TraceRecord& record) { team.read(record.worker, record.batch); },
                  [&](std::span<const std::uint64_t> indices) { settle(team, options.engine, schedule, indices); });
    Report report = ledger.finish(theta);
    report.vectors_high_water = team.high_water();
    return report;
  } catch (...) {
    ledger.keep_finite(theta);
    observer.on_failure(team.position());
    throw;
  }
}

}  // namespace asap
