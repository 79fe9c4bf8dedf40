// Invariants under stress, in the library's own worker loop, on its stores and on broken twins of them.
//
// usage: stress [--short]
#include <cstdio>
#include <cstring>
#include <exception>

#include "checks.h"

namespace stress {
namespace {

bool print(std::string_view name, const std::string& figure, bool passed) {
  std::printf("stress: %-44s %s  %s\n", std::string(name).c_str(), figure.c_str(), passed ? "ok" : "FAILED");
  std::fflush(stdout);
  return passed;
}

/// Runs all checks, also behind one that failed; that of memory while there is not much yet.
bool all(const Form& form) {
  bool passed = true;
  for (const auto check :
       {check_memory, check_conservation, check_lost_updates, check_views, check_pool, check_progress, check_staleness})
    passed &= check(form);
  return passed;
}

}  // namespace

bool report(std::string_view name, const Verdict& verdict) { return print(name, verdict.figure, verdict.holds); }

bool report_planted(std::string_view name, const Verdict& verdict) {
  return print(text("finds ", name), verdict.figure, !verdict.holds);
}

}  // namespace stress

int main(int argc, char** argv) {
  const bool brief = argc == 2 && std::strcmp(argv[1], "--short") == 0;
  if (argc > 1 && !brief) return std::fprintf(stderr, "usage: stress [--short]\n"), 2;
  try {
    return stress::all({brief}) ? 0 : 1;
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "stress: %s\n", error.what()), 2;
  }
}
