// The step of one update: what a store asks when it knows τ.
#pragma once

#include "asap/core/types.h"
#include "asap/step/rate.h"
#include "asap/step/scale_table.h"

namespace asap {

/// η and C(τ) of one update, and how many came before it.
struct Step {
  double rate = 0, scale = 0;
  Version replaced = 0;
  bool rejects() const { return scale == 0.0; }
};

/// The rule in force for the update in progress: a schedule for η and a table for C. Cheap to copy; refers to both.
class StepRule {
 public:
  StepRule(const Rate& rate, const ScaleTable& table) : rate_(&rate), table_(&table) {}

  /// The step of the update that replaces version `replaced` with a gradient of staleness tau.
  Step operator()(Tau tau, Version replaced) const { return {(*rate_)(replaced), (*table_)(tau), replaced}; }

 private:
  const Rate* rate_;
  const ScaleTable* table_;
};

}  // namespace asap
