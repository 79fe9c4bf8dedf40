// Whether records can be what happened: the rules that every run keeps, whatever the engine.
#pragma once

#include "asap/trace/record.h"

namespace asap {

/// Throws std::invalid_argument, naming the record and the rule, unless the records can be all those of a run of so
/// many workers that began at version `first`:
///   - every version from `first` on is published exactly once, up to the last one;
///   - τ ≥ 0, and nothing is read or replaced that did not exist;
///   - a worker has one gradient at a time: it reads nothing older than what it last published;
///   - C > 0 exactly where the gradient was not rejected; what was published or dropped was tried at least once;
///   - a merged gradient has the version and C of the round's update (gathered ones have their own);
///   - no batch occurs twice.
/// Takes 16 bytes per record for a while.
void check_trace(std::span<const TraceRecord> records, std::size_t workers, Version first = 0);

}  // namespace asap
