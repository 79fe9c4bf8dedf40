#include "words.h"

#include "asap/core/error.h"

namespace asap::bindings {

Affinity affinity_from(const std::string& name) {
  if (name == "none") return Affinity::none;
  if (name == "compact") return Affinity::compact;
  if (name == "scatter") return Affinity::scatter;
  invalid_argument("affinity must be 'none', 'compact' or 'scatter'; got '", name, "'");
}

OnNonfinite on_nonfinite_from(const std::string& name) {
  if (name == "stop") return OnNonfinite::stop;
  if (name == "skip") return OnNonfinite::skip;
  invalid_argument("on_nonfinite must be 'stop' or 'skip'; got '", name, "'");
}

Status stop_status(const std::string& name) {
  if (name == "stopped") return Status::stopped;
  if (name == "interrupted") return Status::interrupted;
  invalid_argument("status must be 'stopped' or 'interrupted'; got '", name, "'");
}

}  // namespace asap::bindings
