// What a run reports, as Python gets it: dicts of plain values.
#pragma once

#include "asap/train/report.h"
#include "bindings.h"

namespace asap::bindings {

py::dict to_dict(const Counts& counts);
py::dict to_dict(const EpochRecord& record);
py::dict to_dict(const Report& report);

}  // namespace asap::bindings
