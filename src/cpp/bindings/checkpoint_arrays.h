// Checkpoints as Python keeps them: plain numbers, and arrays of uint64 or float64 for whatever there are many of.
#pragma once

#include "asap/train/checkpoint.h"
#include "bindings.h"

namespace asap::bindings {

/// Keys: numbers, by the names of Checkpoint; "arrays", by the names of files (python/asap/_checkpoint_document.py).
py::dict to_dict(const Checkpoint& checkpoint);

/// The checkpoint of such a dict; throws std::invalid_argument where a shape is not of that form.
Checkpoint checkpoint_from(const py::dict& dict);

}  // namespace asap::bindings
