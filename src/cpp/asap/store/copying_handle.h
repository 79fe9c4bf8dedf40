// The handle of engines whose workers read by copying.
#pragma once

#include "asap/store/store.h"

namespace asap {

/// A handle with a copy of θ; without the copy when the engine reads in place. Publishing leaves a copy of the new
/// version behind, so that the next read copies only what others have published since. That saves a pass, and it keeps
/// lines to one core: to write a line that another core has read costs several times one that it has written.
struct CopyingHandle : Handle {
  static constexpr Version kNone = ~Version{0};

  explicit CopyingHandle(const StateLayout& layout, bool copies = true, bool has_gradient = true)
      : Handle(layout, has_gradient), view(copies ? layout.parameters() : 0) {}

  AlignedBuffer<float> view;
  Version copied = kNone;  // the version in the view
};

}  // namespace asap
