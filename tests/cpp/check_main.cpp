// Runs the tests whose names contain an argument, or all of them.
#include <algorithm>
#include <cstring>

#include "check.h"

int main(int argc, char** argv) {
  int run = 0, failed = 0;
  for (const auto& test : check::tests()) {
    const auto wanted = [&](const char* part) { return test.name.find(part) != std::string_view::npos; };
    if (argc > 1 && std::none_of(argv + 1, argv + argc, wanted)) continue;
    const int before = check::failures();
    try {
      test.run();
    } catch (const std::exception& error) {
      check::fail(__FILE__, __LINE__, "exception: ", error.what());
    }
    ++run;
    const bool passed = check::failures() == before;
    if (!passed) ++failed;
    std::cout << (passed ? "ok      " : "FAILED  ") << test.name << std::endl;
  }
  std::cout << run - failed << " passed, " << failed << " failed" << std::endl;
  return run == 0 || failed > 0;
}
