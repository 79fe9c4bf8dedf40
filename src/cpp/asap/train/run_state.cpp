#include "asap/train/run_state.h"

#include <algorithm>

#include "asap/platform/affinity.h"
#include "asap/train/limits.h"
#include "asap/train/resumption.h"

namespace asap {
RunState::RunState(const Objective& the_objective, const TrainOptions& the_options)
    : objective(the_objective),
      options(the_options),
      same_team(is_same_team(options)),
      first(options.resume ? options.resume->gradients : 0),
      batches(make_batches(objective, options)),
      adaptation(adaptation_of(options)),
      window(adaptation.window()),
      tables(options.workers, adaptation.table()),
      clock(options.resume ? options.resume->seconds : 0.0),
      workers(std::max(options.workers, options.resume ? options.resume->workers.size() : 0)),
      placement(place(read_topology(), affinity_mask(), options.workers, options.affinity)),
      pin_errors(options.workers),
      signal(options.workers),
      gradients(first) {
  if (options.resume)
    for (std::size_t id = 0; id < options.resume->workers.size(); ++id)
      workers[id].resume(options.resume->workers[id], same_team);
  if (options.resume && options.seconds && options.resume->seconds >= *options.seconds) signal.stop();  // it is over
  if (options.trace)
    spiller.emplace(options.workers, *options.trace, [this] { fail(std::current_exception(), here()); });
}

void RunState::pin(std::size_t id) {
  if (!placement.cpus.empty()) pin_errors[id] = pin_this_thread(placement.cpus[id]);
}

void RunState::fail(std::exception_ptr another, Failure at) {
  const std::lock_guard lock(failure_mutex);
  if (!failure) {
    failure = std::move(another);
    failed_at = at;
  }
  signal.stop();
}

Counts RunState::totals() const {
  Counts counts;
  for (const WorkerState& worker : workers) counts += worker.counts();
  return counts;
}

}  // namespace asap
