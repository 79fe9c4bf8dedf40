// The benchmarks' own arithmetic and checks. How fast anything is cannot be tested.
#include <limits>

#include "asap/bench/cases.h"
#include "asap/bench/measure.h"
#include "asap/bench/yardstick.h"
#include "check.h"

using namespace asap::bench;

namespace {

/// The measurement of a moment.
constexpr Effort kMoment{.rounds = 1, .seconds = 1e-6};

/// Counts its calls; its answer is wrong when it is told so.
struct Counter {
  void run() { ++calls; }
  void check(const std::string& name) const {
    if (wrong) throw WrongAnswer(name + " is wrong");
  }
  std::size_t calls = 0;
  bool wrong = false;
};

}  // namespace

TEST(an_answer_is_right_within_the_bound_of_its_norm) {
  const std::vector<float> expected{3, 4};
  expect_close("equal", expected, expected, 0.0);
  expect_close("at the bound", std::vector<float>{3.5f, 4}, expected, 0.1);
  CHECK_THROWS(WrongAnswer, expect_close("this", std::vector<float>{3.6f, 4}, expected, 0.1), "this is wrong");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS(WrongAnswer, expect_close("this", std::vector<float>{nan, 4}, expected, 0.1), "this is wrong");
}

TEST(updates_count_as_read_and_written) {
  CHECK_EQUAL(pass({1, 0, 1}, 10).bytes(), 80.0);
  CHECK_EQUAL(pass({1, 2, 0}, 10).bytes(), 200.0);
  CHECK_EQUAL(pass({3, 0, 2}, 10).num_arrays(), 5u);
  const Work both{.floats = 10, .passes = {{{1, 0, 1}, {1, 2}}, {{1, 1, 0}, {0, 1}}}};
  CHECK_EQUAL(both.bytes(), 200.0);
  CHECK_EQUAL(both.num_arrays(), 3u);
}

TEST(a_case_is_checked_before_it_is_measured) {
  auto counter = std::make_shared<Counter>();
  const Case work = make_case("it", {.flops = 1}, [&] { return counter; }, &Counter::run, &Counter::check);
  const Result result = measure(work, kMoment);
  CHECK(counter->calls > 1);
  CHECK_EQUAL(result.name, "it");
  CHECK_NEAR(result.share, result.rate / result.limit, 1e-9 * result.share);
  *counter = {.calls = 0, .wrong = true};
  CHECK_THROWS(WrongAnswer, measure(work, kMoment), "it is wrong");
  CHECK_EQUAL(counter->calls, 1u);
}

TEST(the_limit_of_memory_is_that_of_the_same_passes) {
  auto counter = std::make_shared<Counter>();
  const Case work = make_case("copy", pass({1, 0, 1}, 1000), [&] { return counter; }, &Counter::run, &Counter::check);
  const Result result = measure(work, kMoment);
  CHECK_EQUAL(std::string(result.unit), "GB/s");
  CHECK_NEAR(result.rate * result.seconds, 8e-6, 1e-12);
  CHECK(result.limit > 0);
}

TEST(the_answers_of_the_smaller_cases_are_right) {
  Cases cases = stores();
  for (const Cases& more : {element_wise(), convolution({2, 9, 7, 3, 3}, 5), pooled_convolution({2, 9, 7, 3, 3}, 5)})
    cases.insert(cases.end(), more.begin(), more.end());
  cases.push_back(gemm({.transpose_b = true, .m = 5, .n = 7, .k = 3, .activation = asap::kernels::Activation::relu}));
  for (const NamedEngine& engine : engines()) cases.push_back(update(Example::lenet, 3, engine));
  for (const Case& each : cases) each.prepare().run();
}

// Multiply-adds by hand, twice for the first layer, three times for the others, two operations each.
TEST(updates_have_as_many_operations_as_their_products) {
  CHECK_EQUAL(update_flops(Example::mlp, 64), 2.0 * 64 * (2 * 784 * 128 + 3 * (2 * 128 * 128 + 1280)));
  CHECK_EQUAL(update_flops(Example::lenet, 1),
              2.0 * (2 * 24 * 24 * 6 * 25 + 3 * (8 * 8 * 16 * 6 * 25 + 256 * 120 + 120 * 10)));
}
