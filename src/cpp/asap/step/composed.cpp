// Policies made of another policy.
#include <algorithm>
#include <cmath>

#include "asap/core/error.h"
#include "asap/framework/properties.h"
#include "asap/step/policy.h"

namespace asap::policy {

Policy normalised(Policy policy, Sample sample) {
  check(sample);
  Policy composed;
  composed.name = "normalised " + policy.name;
  composed.sample = policy.sample ? policy.sample : sample;
  composed.knows_workers = policy.knows_workers;
  composed.table = [inner = std::move(policy.table)](const Distribution& distribution, const StepContext& context) {
    if (distribution.empty()) return ScaleTable({1.0});
    const ScaleTable table = inner(distribution, context);
    return ScaleTable(framework::normalise(table.entries(), distribution), table.reach());
  };
  return composed;
}

Policy clipped(Policy policy, double least, double most) {
  if (!(least >= 0.0 && least <= most && most > 0.0 && std::isfinite(most)))
    invalid_argument("least and most must satisfy 0 ≤ least ≤ most, 0 < most < ∞; got ", least, " and ", most);
  policy.name = "clipped " + policy.name;
  policy.table = [=, inner = std::move(policy.table)](const Distribution& distribution, const StepContext& context) {
    const ScaleTable table = inner(distribution, context);
    std::vector<double> entries = table.entries();
    for (double& entry : entries) entry = std::clamp(entry, least, most);
    return ScaleTable(std::move(entries), table.reach());
  };
  return policy;
}

}  // namespace asap::policy
