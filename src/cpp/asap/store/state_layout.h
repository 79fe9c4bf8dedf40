// How the shared state lies in memory, and what of an update's arithmetic is the same for all updates of a run.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "asap/core/types.h"
#include "asap/step/correction.h"

namespace asap {

/// θ, behind it the velocity u when there is momentum, and behind that the average movement when the correction keeps
/// one; each from a cache line on, in `memory`, which must outlive the store.
class StateLayout {
 public:
  explicit StateLayout(std::size_t parameters, float momentum = 0.0f,
                       std::pmr::memory_resource* memory = std::pmr::new_delete_resource(),
                       const correction::Correction& correction = {})
      : parameters_(parameters),
        momentum_(momentum),
        memory_(memory),
        correction_(correction),
        stride_((parameters + kLineFloats - 1) / kLineFloats * kLineFloats) {}

  static constexpr std::size_t kLineFloats = kCacheLine / sizeof(float);

  std::size_t parameters() const { return parameters_; }
  /// Floats of a whole state.
  std::size_t size() const { return stride_ * (1 + has_velocity() + has_movement()); }
  float momentum() const { return momentum_; }
  std::pmr::memory_resource* memory() const { return memory_; }
  const correction::Correction& correction() const { return correction_; }

  bool has_velocity() const { return momentum_ != 0.0f; }
  bool has_movement() const { return correction::keeps_movement(correction_); }

  /// The part of a state, nullptr where it has none; `Float` is float or const float.
  template <class Float>
  Float* velocity(Float* state) const {
    return has_velocity() ? state + stride_ : nullptr;
  }
  template <class Float>
  Float* movement(Float* state) const {
    return has_movement() ? state + stride_ * (1 + has_velocity()) : nullptr;
  }

 private:
  std::size_t parameters_;
  float momentum_;
  std::pmr::memory_resource* memory_;
  correction::Correction correction_;
  std::size_t stride_;
};

}  // namespace asap
