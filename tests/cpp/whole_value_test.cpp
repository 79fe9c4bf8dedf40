// A value that is read while it is written is one that was written.
#include <atomic>
#include <thread>
#include <vector>

#include "asap/train/whole_value.h"
#include "check.h"

namespace {

struct Triple {
  std::uint64_t once = 0, twice = 0;
  double thrice = 0;
};

}  // namespace

TEST(a_reader_sees_whole_values_in_their_order) {
  constexpr std::uint64_t kLast = 200'000;
  asap::WholeValue<Triple> value;
  std::atomic<std::uint64_t> torn{0}, backwards{0};
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r)
    readers.emplace_back([&] {
      std::uint64_t before = 0;
      while (before < kLast) {
        const Triple seen = value.load();
        torn += seen.twice != 2 * seen.once || seen.thrice != 3.0 * static_cast<double>(seen.once);
        backwards += seen.once < before;
        before = seen.once;
      }
    });
  for (std::uint64_t i = 1; i <= kLast; ++i) value.store({i, 2 * i, 3.0 * static_cast<double>(i)});
  for (auto& reader : readers) reader.join();
  CHECK_EQUAL(torn.load(), 0u);
  CHECK_EQUAL(backwards.load(), 0u);
}

TEST(what_was_never_stored_is_zero) {
  const Triple seen = asap::WholeValue<Triple>().load();
  CHECK_EQUAL(seen.once + seen.twice, 0u);
  CHECK_EQUAL(seen.thrice, 0.0);
}
