// Errors of the core: what was wrong, what was given, what is accepted. The core never prints and never exits.
#pragma once

#include <sstream>
#include <stdexcept>

namespace asap {

/// Throws std::invalid_argument (ValueError in Python) with the parts written one after the other.
template <class... Parts>
[[noreturn]] void invalid_argument(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw std::invalid_argument(message.str());
}

}  // namespace asap
