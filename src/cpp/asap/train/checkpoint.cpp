#include "asap/train/checkpoint.h"

#include <algorithm>
#include <cmath>

#include "asap/core/error.h"
#include "asap/staleness/histogram.h"
#include "asap/step/scale_table.h"

namespace asap {
namespace {

constexpr Version kMaxVersion = Version{1} << 48;  // stores keep versions in words with something else

bool fits(const Distribution& distribution) { return distribution.counts().size() <= kTauBins; }

void check(const WorkerTotals& worker) {
  if (!fits(worker.staleness) || !fits(worker.rejections) || !fits(worker.sampled))
    invalid_argument("a distribution of a checkpoint must have at most ", kTauBins, " counts");
}

}  // namespace

void check(const Checkpoint& checkpoint, std::size_t parameters, double momentum) {
  const std::size_t velocity = momentum != 0.0 ? parameters : 0;
  if (checkpoint.theta.size() != parameters || checkpoint.velocity.size() != velocity)
    invalid_argument("a checkpoint to resume from must have ", parameters, " parameters and a velocity of ", velocity,
                     "; got ", checkpoint.theta.size(), " and ", checkpoint.velocity.size());
  if (!std::all_of(checkpoint.velocity.begin(), checkpoint.velocity.end(), [](float u) { return std::isfinite(u); }))
    invalid_argument("the velocity of a checkpoint must be finite");
  if (checkpoint.version > kMaxVersion || checkpoint.version > checkpoint.gradients)
    invalid_argument("a checkpoint must have a version of at most its gradients and 2^48; got ", checkpoint.version,
                     " of ", checkpoint.gradients);
  if (!(checkpoint.seconds >= 0.0 && std::isfinite(checkpoint.seconds)))
    invalid_argument("the seconds of a checkpoint must be a finite number of at least 0; got ", checkpoint.seconds);
  if (checkpoint.num_workers == 0 || checkpoint.num_workers > checkpoint.workers.size())
    invalid_argument("a checkpoint must know its workers; got ", checkpoint.workers.size(), " of ",
                     checkpoint.num_workers);
  if (checkpoint.tables.empty()) invalid_argument("a checkpoint must have the scale table in force");
  for (const TableRecord& table : checkpoint.tables) ScaleTable{table.entries};  // throws
  for (const WorkerTotals& worker : checkpoint.workers) check(worker);
}

}  // namespace asap
