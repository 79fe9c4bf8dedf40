// The pool of Leashed-SGD: reclamation, publication, bounds.
#include <atomic>
#include <thread>
#include <vector>

#include "asap/store/vector_pool.h"
#include "check.h"

namespace {

using asap::VectorPool;

/// Publishes one vector in which every element is the version, on top of the latest one; retries until it is in.
void publish_next(VectorPool& pool, std::size_t size, std::atomic<std::uint64_t>& torn) {
  const VectorPool::Slot fresh = pool.acquire();
  for (;;) {
    const VectorPool::Pin base = pool.pin();
    for (std::size_t i = 0; i < size; ++i) {
      if (base.vector[i] != static_cast<float>(base.version)) ++torn;
      pool.vector(fresh)[i] = base.vector[i] + 1.0f;
    }
    pool.unpin(base);
    if (pool.publish(base, fresh)) return;
  }
}

void read_latest(VectorPool& pool, std::size_t size, std::atomic<std::uint64_t>& torn) {
  const VectorPool::Pin view = pool.pin();
  for (std::size_t i = 0; i < size; ++i) torn += view.vector[i] != static_cast<float>(view.version);
  pool.unpin(view);
}

void stress(std::size_t workers, std::size_t readers, std::size_t size, std::uint64_t publications) {
  const std::vector<float> start(size, 0.0f);
  VectorPool pool(2 * workers + readers, size, start);
  std::atomic<std::uint64_t> torn{0};
  std::atomic<bool> done{false};
  std::vector<std::thread> threads, watching;
  for (std::size_t w = 0; w < workers; ++w)
    threads.emplace_back([&] {
      for (std::uint64_t k = 0; k < publications; ++k) {
        read_latest(pool, size, torn);
        publish_next(pool, size, torn);
      }
    });
  for (std::size_t r = 0; r < readers; ++r)
    watching.emplace_back([&] {
      while (!done) read_latest(pool, size, torn);
    });
  for (auto& thread : threads) thread.join();
  done = true;
  for (auto& thread : watching) thread.join();
  CHECK_EQUAL(torn.load(), 0u);
  CHECK_EQUAL(pool.approx_version(), workers * publications);
  read_latest(pool, size, torn);
  CHECK_EQUAL(torn.load(), 0u);
  CHECK(pool.high_water() <= 2 * workers + readers);
}

}  // namespace

TEST(a_pinned_vector_stays_intact_while_newer_ones_are_published) {
  const std::vector<float> start{1, 2, 3};
  VectorPool pool(4, 3, start);
  const VectorPool::Pin old = pool.pin();
  CHECK_EQUAL(old.version, 0u);
  for (asap::Version version = 1; version <= 20; ++version) {
    const VectorPool::Slot fresh = pool.acquire();
    const VectorPool::Pin base = pool.pin();
    CHECK(fresh != old.slot && fresh != base.slot);
    for (int i = 0; i < 3; ++i) pool.vector(fresh)[i] = -1.0f;
    pool.unpin(base);
    CHECK(pool.publish(base, fresh));
    CHECK_EQUAL(pool.approx_version(), version);
  }
  for (int i = 0; i < 3; ++i) CHECK_EQUAL(old.vector[i], start[static_cast<std::size_t>(i)]);
  pool.unpin(old);
}

TEST(a_preferred_slot_is_taken_if_and_only_if_it_is_free) {
  const std::vector<float> start{0};
  VectorPool pool(4, 1, start);
  const VectorPool::Slot first = pool.acquire(), second = pool.acquire();
  pool.release(first);
  pool.release(second);
  CHECK_EQUAL(pool.acquire(second), second);
  const VectorPool::Slot other = pool.acquire(second);
  CHECK(other != second && other != 0u);  // slot 0 is published
  CHECK_EQUAL(pool.high_water(), 3u);
}

TEST(publishing_on_an_outdated_base_fails_and_keeps_the_slot) {
  const std::vector<float> start{0};
  VectorPool pool(4, 1, start);
  const VectorPool::Slot mine = pool.acquire(), theirs = pool.acquire();
  const VectorPool::Pin base = pool.pin();
  pool.unpin(base);
  CHECK(pool.publish(base, theirs));
  CHECK(!pool.publish(base, mine));
  CHECK_EQUAL(pool.approx_version(), 1u);
  const VectorPool::Pin newer = pool.pin();
  pool.unpin(newer);
  CHECK(pool.publish(newer, mine));
  CHECK_EQUAL(pool.approx_version(), 2u);
}

TEST(a_recycled_slot_does_not_let_an_old_base_pass) {  // the ABA case: same slot published again, other version
  const std::vector<float> start{0};
  VectorPool pool(3, 1, start);
  const VectorPool::Pin first = pool.pin();
  pool.unpin(first);
  VectorPool::Pin latest = first;
  do {
    CHECK(pool.publish(latest, pool.acquire()));
    latest = pool.pin();
    pool.unpin(latest);
  } while (latest.slot != first.slot);
  const VectorPool::Slot fresh = pool.acquire();
  CHECK(!pool.publish(first, fresh));
}

TEST(released_and_retired_slots_are_used_again) {
  const std::vector<float> start{0};
  VectorPool pool(3, 1, start);
  for (int i = 0; i < 1000; ++i) {
    pool.release(pool.acquire());
    const VectorPool::Slot fresh = pool.acquire();
    const VectorPool::Pin base = pool.pin();
    pool.unpin(base);
    CHECK(pool.publish(base, fresh));
  }
  CHECK_EQUAL(pool.high_water(), 2u);
  CHECK_EQUAL(pool.rescans(), 0u);
}

TEST(no_publication_is_lost_and_no_read_torn_with_2_workers) { stress(2, 0, 64, 5000); }
TEST(no_publication_is_lost_and_no_read_torn_with_8_workers_and_2_readers) { stress(8, 2, 32, 1000); }
TEST(no_publication_is_lost_and_no_read_torn_with_64_workers) { stress(64, 1, 8, 100); }

TEST(too_few_slots_are_refused) {
  CHECK_THROWS(std::invalid_argument, VectorPool(1, 1, std::vector<float>{0}), "got 1");
}
