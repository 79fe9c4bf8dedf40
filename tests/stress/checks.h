// The invariants, one file each. Every one prints its lines, also for the faults planted for it, and returns whether
// all of them passed.
#pragma once

#include "verdict.h"

namespace stress {

bool check_memory(const Form& form);
bool check_conservation(const Form& form);
bool check_lost_updates(const Form& form);
bool check_views(const Form& form);
bool check_pool(const Form& form);
bool check_progress(const Form& form);
bool check_staleness(const Form& form);

}  // namespace stress
