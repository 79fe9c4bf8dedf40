// What a check says: one line with its figure, "stress: NAME  FIGURE  ok", which .ci/run counts.
#pragma once

#include <sstream>
#include <string>
#include <string_view>

namespace stress {

/// Whether an invariant held, and the figure that was measured.
struct Verdict {
  bool holds = false;
  std::string figure;
};

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream out;
  out.precision(3);
  (out << ... << parts);
  return out.str();
}

/// How much is done: everything, or what fits into a minute.
struct Form {
  bool brief = false;
  template <class T>
  T pick(T full, T in_brief) const {
    return brief ? in_brief : full;
  }
};

/// Prints the line of a check, which passes when the invariant holds.
bool report(std::string_view name, const Verdict& verdict);

/// Prints the line of a check on something broken on purpose, which passes when the check saw it.
bool report_planted(std::string_view name, const Verdict& verdict);

}  // namespace stress
