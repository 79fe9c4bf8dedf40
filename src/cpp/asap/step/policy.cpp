#include "asap/step/policy.h"

#include "asap/core/error.h"

namespace asap {

void check(const SampleWindow& sample) {
  if (sample.first >= sample.last)
    invalid_argument("sample must be (first, last) with first < last, in updates per worker; got (", sample.first, ", ",
                     sample.last, ")");
}

}  // namespace asap
