// A test harness of one page: the Python registry, from which everything else is installed, carries no C++ one.
//
//   TEST(publish_returns_the_next_version) { CHECK_EQUAL(store.version(), 1u); }
//
// A failed check is printed with its values and the test goes on; main() (check_main.cpp) returns 1 when any failed.
#pragma once

#include <cmath>
#include <exception>
#include <functional>
#include <iostream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace check {

struct Test {
  std::string_view name;
  void (*run)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

inline int& failures() {
  static int count = 0;
  return count;
}

struct Register {
  Register(std::string_view name, void (*run)()) { tests().push_back({name, run}); }
};

template <class... Parts>
void fail(const char* file, int line, const Parts&... parts) {
  ++failures();
  std::cout << file << ":" << line << ": ";
  (std::cout << ... << parts) << "\n";
}

template <class Error, class Function>
void throws(const char* file, int line, Function&& function, std::string_view part) {
  try {
    function();
  } catch (const Error& error) {
    if (std::string_view(error.what()).find(part) == std::string_view::npos)
      fail(file, line, "the message lacks \"", part, "\": ", error.what());
    return;
  }
  fail(file, line, "nothing was thrown; expected a message with \"", part, "\"");
}

}  // namespace check

#define TEST(name)                                           \
  static void name();                                        \
  static const check::Register register_##name(#name, name); \
  static void name()

#define CHECK(condition)                                                       \
  do {                                                                         \
    if (!(condition)) check::fail(__FILE__, __LINE__, "failed: ", #condition); \
  } while (false)

#define CHECK_EQUAL(actual, expected)                                                                \
  do {                                                                                               \
    const auto& check_actual = (actual);                                                             \
    const auto& check_expected = (expected);                                                         \
    if (!(check_actual == check_expected))                                                           \
      check::fail(__FILE__, __LINE__, #actual, " is ", check_actual, ", expected ", check_expected); \
  } while (false)

/// |actual − expected| ≤ bound; a NaN fails.
#define CHECK_NEAR(actual, expected, bound)                                                                \
  do {                                                                                                     \
    const double check_actual = (actual), check_expected = (expected), check_bound = (bound);              \
    if (!(std::abs(check_actual - check_expected) <= check_bound))                                         \
      check::fail(__FILE__, __LINE__, #actual, " is ", check_actual, ", expected ", check_expected, " ± ", \
                  check_bound);                                                                            \
  } while (false)

/// The expression must throw `Error` with `part` in its message.
#define CHECK_THROWS(Error, expression, part) \
  check::throws<Error>(__FILE__, __LINE__, [&] { (void)(expression); }, part)
