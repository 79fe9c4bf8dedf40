// What a benchmark measures: a piece of work whose answer was checked, and what the processor's limits say of it.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "asap/core/aligned_buffer.h"
#include "asap/kernels/kernels.h"

namespace asap::bench {

/// A pass over some of a case's arrays: those that it reads, then those that it updates, then those that it writes.
struct Pass {
  kernels::StreamMix mix;
  std::vector<std::size_t> arrays;
};

/// What one call does: floating-point operations; or, where it does next to none, passes over arrays of `floats` each.
struct Work {
  double flops = 0;
  std::size_t floats = 0;
  std::vector<Pass> passes = {};

  double bytes() const;            ///< read and written; an update counts twice
  std::size_t num_arrays() const;  ///< arrays that the passes name
};

/// One pass over arrays of its own.
Work pass(kernels::StreamMix mix, std::size_t floats);

/// Ready to be measured: its arrays exist, its answer was right.
struct Prepared {
  Work work;
  std::function<void()> run;
};

/// A named piece of work. `prepare` throws WrongAnswer when the answer is not the reference's.
struct Case {
  std::string name;
  std::function<Prepared()> prepare;
};

using Cases = std::vector<Case>;

/// A case on a Data made by `make`: its answer is what `run` leaves there, and `check` looks at it.
template <class Data, class Make>
Case make_case(const std::string& name, Work work, Make make, void (Data::*run)(),
               void (Data::*check)(const std::string& name) const) {
  return {name, [=] {
            std::shared_ptr<Data> data = make();
            ((*data).*run)();
            ((*data).*check)(name);
            return Prepared{work, [data, run] { ((*data).*run)(); }};
          }};
}

class WrongAnswer : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws WrongAnswer unless ‖actual − expected‖ ≤ bound·‖expected‖; a NaN is wrong. The default is for float32 sums in
/// different orders.
void expect_close(const std::string& what, std::span<const float> actual, std::span<const float> expected,
                  double bound = 1e-4);

/// Standard normal numbers, the same for the same seed.
AlignedBuffer<float> normal(std::size_t size, std::uint64_t seed);

}  // namespace asap::bench
