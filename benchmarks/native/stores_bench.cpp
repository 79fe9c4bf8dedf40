// GB/s of reading and publishing in each engine, by one worker.
#include "asap/bench/cases.h"
#include "program.h"

int main(int argc, char** argv) { return bench::run({"stores", asap::bench::stores()}, argc, argv); }
