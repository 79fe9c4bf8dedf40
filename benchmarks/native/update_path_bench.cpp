// GB/s of the kernels that copy and update parameter vectors, on one core.
#include "asap/bench/cases.h"
#include "program.h"

int main(int argc, char** argv) { return bench::run({"update path", asap::bench::update_path()}, argc, argv); }
