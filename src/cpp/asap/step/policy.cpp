#include "asap/step/policy.h"

#include "asap/core/error.h"

namespace asap {
namespace {

void check_window(const SampleWindow& sample) {
  if (sample.first >= sample.last)
    invalid_argument("sample must be (first, last) with first < last, in updates per worker; got (", sample.first, ", ",
                     sample.last, ")");
}

void check_length(const char* name, double updates) {
  constexpr double kMost = 1e6;  // then weights of so many updates still have exact sums
  if (!(updates > 0.0 && updates <= kMost))
    invalid_argument(name, " of an online sample must be above 0 and at most ", kMost, " updates per worker; got ",
                     updates);
}

}  // namespace

void check(const Sample& sample) {
  if (const auto* window = std::get_if<SampleWindow>(&sample)) return check_window(*window);
  const auto& online = std::get<OnlineSample>(sample);
  check_length("every", online.every);
  check_length("half_life", online.half_life);
}

}  // namespace asap
