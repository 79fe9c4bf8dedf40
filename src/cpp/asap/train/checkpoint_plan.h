// When the next checkpoint is due.
#pragma once

#include <cmath>

#include "asap/train/checkpoint.h"

namespace asap {

/// At the first multiple of the interval behind the last one: in a resumed run, too.
class CheckpointPlan {
 public:
  /// `progress` is how far the run has come, in the interval's unit.
  CheckpointPlan(const CheckpointInterval& interval, double progress) : interval_(interval) { made_at(progress); }

  CheckpointInterval::Unit unit() const { return interval_.unit; }
  double next() const { return next_; }
  bool is_due(double progress) const { return progress >= next_; }
  void made_at(double progress) { next_ = (std::floor(progress / interval_.every) + 1) * interval_.every; }

 private:
  const CheckpointInterval interval_;
  double next_ = 0;
};

}  // namespace asap
