// GFLOP/s of matrix products and convolutions, GB/s of the other kernels, on one core.
#include "asap/bench/cases.h"
#include "program.h"

int main(int argc, char** argv) {
  bench::Cases cases = asap::bench::products();
  for (const bench::Case& each : asap::bench::element_wise()) cases.push_back(each);
  return bench::run({"kernels", cases}, argc, argv);
}
