// The handle of engines whose workers read by copying.
#pragma once

#include "asap/store/store.h"

namespace asap {

/// A handle with a copy of θ; without the copy when the engine reads in place.
struct CopyingHandle : Handle {
  explicit CopyingHandle(const StateLayout& layout, bool copies = true, bool has_gradient = true)
      : Handle(layout, has_gradient), view(copies ? layout.parameters() : 0) {}

  AlignedBuffer<float> view;
};

}  // namespace asap
