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
  composed.table = [inner = std::move(policy.table)](const Distribution& distribution, const StepContext& context) {
    if (distribution.empty()) return ScaleTable({1.0});
    return ScaleTable(framework::normalise(inner(distribution, context).entries(), distribution));
  };
  return composed;
}

Policy clipped(Policy policy, double least, double most) {
  if (!(least >= 0.0 && least <= most && most > 0.0 && std::isfinite(most)))
    invalid_argument("least and most must satisfy 0 ≤ least ≤ most, 0 < most < ∞; got ", least, " and ", most);
  policy.name = "clipped " + policy.name;
  policy.table = [=, inner = std::move(policy.table)](const Distribution& distribution, const StepContext& context) {
    std::vector<double> entries = inner(distribution, context).entries();
    for (double& entry : entries) entry = std::clamp(entry, least, most);
    return ScaleTable(std::move(entries));
  };
  return policy;
}

}  // namespace asap::policy
