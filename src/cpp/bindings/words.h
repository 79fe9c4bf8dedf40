// The words that stand for choices between Python and the core. Each throws std::invalid_argument for another word.
#pragma once

#include <string>

#include "asap/train/trainer.h"

namespace asap::bindings {

Affinity affinity_from(const std::string& name);
OnNonfinite on_nonfinite_from(const std::string& name);
Status stop_status(const std::string& name);

}  // namespace asap::bindings
