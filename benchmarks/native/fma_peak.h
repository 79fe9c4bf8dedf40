// The processor's limit: float32 multiply-adds per second of one core.
#pragma once

namespace bench {

/// GFLOP/s of independent multiply-adds in registers, measured for at least `seconds`.
double measure_fma_peak(double seconds);

}  // namespace bench
