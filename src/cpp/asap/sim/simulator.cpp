#include "asap/sim/simulator.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "asap/core/error.h"
#include "asap/sim/virtual_hogwild.h"
#include "asap/sim/virtual_leashed.h"
#include "asap/sim/virtual_softsync.h"
#include "asap/sim/virtual_synchronous.h"
#include "asap/train/check_options.h"
#include "asap/train/make_store.h"
#include "asap/train/resumption.h"

namespace asap {
namespace {

using namespace sim;

constexpr std::size_t kMaxWorkers = 1 << 16;  // a trace numbers them in 16 bits

void check_team(const SimulationOptions& options) {
  double before = 0;
  for (const TeamSize& size : options.team) {
    if (!(size.seconds >= before && std::isfinite(size.seconds)))
      invalid_argument("the number of workers must change at finite seconds, one after the other; got ", size.seconds,
                       " after ", before);
    if (size.workers == 0 || size.workers > kMaxWorkers)
      invalid_argument("workers must be 1 to ", kMaxWorkers, " at any time; got ", size.workers);
    if (std::holds_alternative<engine::Sequential>(options.train.engine) && size.workers != 1)
      invalid_argument("the sequential engine has exactly 1 worker; got workers = ", size.workers);
    before = size.seconds;
  }
}

std::unique_ptr<VirtualEngine<VirtualTeam>> make_engine(Scene& scene, VirtualTeam& team, const TrainOptions& options) {
  if (std::holds_alternative<engine::Synchronous>(options.engine))
    return std::make_unique<VirtualSynchronous>(scene, team, options.updates);
  if (const auto* leashed = std::get_if<engine::Leashed>(&options.engine))
    return std::make_unique<VirtualLeashed>(scene, team, leashed->persistence);
  if (const auto* softsync = std::get_if<engine::Softsync>(&options.engine))
    return std::make_unique<VirtualSoftsync>(scene, team, softsync->gradients(team.capacity()));
  return std::make_unique<VirtualLocked>(scene, team);
}

std::unique_ptr<VirtualEngine<BlockTeam>> make_engine(Scene& scene, BlockTeam& team, const TrainOptions& options) {
  const auto read = std::get<engine::Hogwild>(options.engine).read;
  const StateLayout layout(team.num_parameters());
  return std::make_unique<VirtualHogwild>(scene, team, copies(read, layout, options.workers), team.capacity());
}

LedgerScope scope_of(const Objective& objective, const SimulationOptions& options) {
  return {objective.num_samples(), most_workers(options), options.row_every};
}

/// Everything that happens, until nothing does or the run is to end.
template <class Team>
void play(VirtualEngine<Team>& engine, Scene& scene, Ledger& ledger, const SimulationOptions& options) {
  auto change = options.team.begin();
  engine.start();
  while (ledger.goes() && !scene.timeline.is_empty()) {
    const bool changes = change != options.team.end() && change->seconds <= scene.timeline.next_seconds();
    const double seconds = changes ? change->seconds : scene.timeline.next_seconds();
    if (options.train.seconds && seconds > *options.train.seconds) return ledger.set_seconds(*options.train.seconds);
    ledger.set_seconds(seconds);
    if (changes) {
      ledger.resize(change->workers);
      engine.resize((change++)->workers);
    } else {
      engine.handle(scene.timeline.take());
    }
  }
}

template <class Team>
SimulationReport run(const Objective& objective, std::span<float> theta, const SimulationOptions& options,
                     Observer& observer) {
  Team* present = nullptr;
  Ledger ledger(options.train, scope_of(objective, options), theta, [&] { return present->parameters(); }, observer);
  Team team(objective, options, theta, ledger);
  present = &team;
  Scene scene(options, ledger);
  const auto engine = make_engine(scene, team, options.train);
  try {
    play(*engine, scene, ledger, options);
    SimulationReport simulated{.report = ledger.finish(theta)};
    simulated.report.vectors_high_water = team.high_water();
    simulated.compute_seconds = scene.compute.mean();
    simulated.publish_seconds = scene.publish.mean();
    if (const double seconds = simulated.report.seconds; seconds > 0.0)
      simulated.publishing = team.publishing_seconds() / seconds;
    return simulated;
  } catch (...) {
    ledger.keep_finite(theta);
    observer.on_failure(team.position());
    throw;
  }
}

}  // namespace

void check(const SimulationOptions& options) {
  check(options.train, kMaxWorkers);
  if (std::holds_alternative<engine::FusedHogwild>(options.train.engine))
    invalid_argument(
        "engine must be one that holds its gradients, which are delayed, to be simulated; got a fused Hogwild");
  if (options.train.resume || options.train.checkpoint || options.train.affinity != Affinity::none)
    invalid_argument("a simulation knows no checkpoints and no CPUs: affinity, checkpoint and resume must be left out");
  if (std::holds_alternative<engine::Hogwild>(options.train.engine) && correction::needs_view(options.train.correction))
    invalid_argument("correction must be one that needs the gradient alone for a simulated Hogwild; got ",
                     correction::name_of(options.train.correction));
  if (!(options.compute.mean > 0.0))
    invalid_argument("the law compute must have a mean above 0 seconds; got ", options.compute.mean);
  if (options.row_every && *options.row_every == 0) invalid_argument("row_every must be at least 1 update; got 0");
  check_team(options);
}

void check_memory(const SimulationOptions& options, std::size_t num_parameters) {
  if (const std::uint64_t bytes = simulation_bytes(options, num_parameters); bytes > options.memory_limit)
    invalid_argument("memory_limit must be at least ", bytes, " bytes for ", most_workers(options), " workers and ",
                     num_parameters, " parameters, one vector for each version that somebody may look at; got ",
                     options.memory_limit);
}

std::size_t most_workers(const SimulationOptions& options) {
  std::size_t most = options.train.workers;
  for (const TeamSize& size : options.team) most = std::max(most, size.workers);
  return most;
}

std::uint64_t simulation_bytes(const SimulationOptions& options, std::size_t num_parameters) {
  const auto whole = [&](std::uint64_t floats) {
    const std::uint64_t parts = (num_parameters - 1) / floats + 1;
    return parts * ((floats * sizeof(float) + kCacheLine - 1) / kCacheLine * kCacheLine);
  };
  const std::uint64_t vector = whole(num_parameters), workers = most_workers(options);
  const bool whole_states = correction::needs_view(options.train.correction);
  const std::uint64_t state = whole_states ? whole(layout_of(options.train, num_parameters).size()) : vector;
  const bool velocity = options.train.momentum != 0.0 && !whole_states;
  const std::uint64_t common = vector + (velocity ? vector : 0);  // the first: last finite
  if (std::holds_alternative<engine::Synchronous>(options.train.engine)) return common + 2 * (state + vector);
  const auto* softsync = std::get_if<engine::Softsync>(&options.train.engine);
  const std::uint64_t waiting = softsync ? softsync->gradients(most_workers(options)) - 1 : 0;
  if (!std::holds_alternative<engine::Hogwild>(options.train.engine))
    return common + (workers + 1) * state + (1 + waiting) * vector;
  const std::uint64_t gradients = options.publish.mean > 0.0 ? workers : 1;
  return common + (workers + 1) * whole(std::min(kPiece, num_parameters)) + (gradients + 1) * vector;
}

SimulationReport simulate(const Objective& objective, std::span<float> theta, const SimulationOptions& options,
                          Observer& observer) {
  check(options);
  check_memory(options, objective.num_parameters());
  check(objective, theta);
  if (options.train.validation) check_validation(objective, *options.train.validation);
  if (std::holds_alternative<engine::Hogwild>(options.train.engine))
    return run<BlockTeam>(objective, theta, options, observer);
  return run<VirtualTeam>(objective, theta, options, observer);
}

SimulationReport simulate(const Objective& objective, std::span<float> theta, const SimulationOptions& options) {
  Observer silent;
  return simulate(objective, theta, options, silent);
}

}  // namespace asap
