// What every store promises, for every engine: a new store joins by one line in `for_every_store`.
#include <atomic>
#include <cmath>
#include <memory_resource>
#include <thread>
#include <vector>

#include "asap/core/rng.h"
#include "asap/store/fused_hogwild.h"
#include "asap/store/hogwild.h"
#include "asap/store/leashed.h"
#include "asap/store/locked.h"
#include "asap/store/sequential.h"
#include "asap/store/softsync.h"
#include "asap/store/synchronous.h"
#include "check.h"

namespace {

using namespace asap;

constexpr std::uint64_t kUnbounded = ~std::uint64_t{0};
const Rate kRateOne = Rate::constant(1.0);
const ScaleTable kScaleOne({1.0});
const StepRule kPlain(kRateOne, kScaleOne);

/// Calls test(name, store) with a store of each engine for this many workers (sequential only for one).
template <class Test>
void for_every_store(std::size_t workers, const StateLayout& layout, const std::vector<float>& start, Test test) {
  if (workers == 1) {
    SequentialStore sequential(layout, start);
    test("sequential", sequential);
  }
  SynchronousStore synchronous(layout, workers, start);
  test("synchronous", synchronous);
  LockedStore locked(layout, workers, start);
  test("locked", locked);
  HogwildStore in_place(layout, workers, start, false), copying(layout, workers, start, true);
  test("hogwild", in_place);
  test("hogwild-copy", copying);
  LeashedStore leashed(layout, workers, start, kUnbounded), impatient(layout, workers, start, 0);
  LeashedStore leashed_copy(layout, workers, start, kUnbounded, true);
  test("leashed", leashed);
  test("leashed-copy", leashed_copy);
  test("leashed-0", impatient);
  SoftsyncStore softsync(layout, workers, start, 1);
  test("softsync", softsync);
}

template <class S, class Gradient>
Receipt update(S& store, typename S::Handle& handle, const StepRule& rule, Gradient gradient) {
  const View view = store.read(handle);
  gradient(view, handle.gradient.span());
  Receipt receipt;
  do {
    store.prepare(handle, rule);
    receipt = store.commit(handle);
  } while (receipt.outcome == Outcome::retry);
  return receipt;
}

void ones(const View&, std::span<float> gradient) { std::fill(gradient.begin(), gradient.end(), 1.0f); }

void wavy(const View& view, std::span<float> gradient) {
  for (std::size_t i = 0; i < gradient.size(); ++i)
    gradient[i] = std::sin(view.theta[i] * 3.0f + static_cast<float>(i));
}

template <class S>
std::vector<float> parameters(S& store, std::size_t size) {
  std::vector<float> theta(size);
  store.snapshot(theta);
  return theta;
}

std::vector<float> ramp(std::size_t size) {
  std::vector<float> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<float>(i) / 7.0f;
  return values;
}

/// Memory that counts the bytes it has given out.
struct CountingMemory final : std::pmr::memory_resource {
  std::size_t held = 0;
  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    held += bytes;
    return std::pmr::new_delete_resource()->allocate(bytes, alignment);
  }
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override {
    held -= bytes;
    std::pmr::new_delete_resource()->deallocate(memory, bytes, alignment);
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace

TEST(a_store_starts_from_what_it_is_given) {
  for (std::size_t size : {1, 15, 16, 17, 100}) {
    const auto start = ramp(size);
    for_every_store(1, StateLayout(size), start, [&](const char*, auto& store) {
      CHECK(parameters(store, size) == start);
      auto handle = store.handle(0);
      const View view = store.read(handle);
      CHECK_EQUAL(view.version, 0u);
      CHECK(std::equal(start.begin(), start.end(), view.theta));
      store.leave(handle);
    });
  }
}

TEST(publishing_returns_the_next_version_and_staleness_zero_for_one_worker) {
  for_every_store(1, StateLayout(5), ramp(5), [&](const char*, auto& store) {
    auto handle = store.handle(0);
    for (Version version = 0; version < 10; ++version) {
      const Receipt receipt = update(store, handle, kPlain, ones);
      CHECK(receipt.outcome == Outcome::published);
      CHECK_EQUAL(receipt.replaced, version);
      CHECK_EQUAL(receipt.tau(), 0u);
      CHECK_EQUAL(receipt.attempts, 1u);
      std::vector<float> theta(5);
      CHECK_EQUAL(store.snapshot(theta), version + 1);
    }
    store.leave(handle);
  });
}

TEST(with_one_worker_every_engine_has_the_bits_of_the_formula) {
  for (const float momentum : {0.0f, 0.9f})
    for (std::size_t size : {1, 17, 131}) {
      const StateLayout layout(size, momentum);
      const auto start = ramp(size);
      const Rate rate = Rate::cosine(0.3, 0.01, 40);
      const ScaleTable table({0.7});
      const StepRule rule(rate, table);
      SequentialStore reference(layout, start);
      auto reference_handle = reference.handle(0);
      for (int i = 0; i < 50; ++i) update(reference, reference_handle, rule, wavy);
      const auto expected = parameters(reference, size);
      for_every_store(1, layout, start, [&](const char* name, auto& store) {
        auto handle = store.handle(0);
        for (int i = 0; i < 50; ++i) update(store, handle, rule, wavy);
        store.leave(handle);
        if (parameters(store, size) != expected) check::fail(__FILE__, __LINE__, name, " differs from sequential");
      });
    }
}

TEST(momentum_follows_its_formula) {  // u ← βu + C·g, θ ← θ − η·u, in double
  const ScaleTable table({0.5});
  const Rate rate = Rate::constant(0.25);
  SequentialStore store(StateLayout(1, 0.8f), std::vector<float>{2.0f});
  auto handle = store.handle(0);
  double theta = 2.0, u = 0.0;
  for (int i = 0; i < 20; ++i) {
    update(store, handle, StepRule(rate, table), wavy);
    u = 0.8 * u + 0.5 * std::sin(theta * 3.0);
    theta -= 0.25 * u;
    CHECK_NEAR(parameters(store, 1)[0], theta, 1e-5);
  }
}

TEST(scale_zero_rejects_and_changes_nothing) {
  const ScaleTable table({0.0});
  for (const float momentum : {0.0f, 0.9f})
    for_every_store(1, StateLayout(20, momentum), ramp(20), [&](const char*, auto& store) {
      auto handle = store.handle(0);
      for (int i = 0; i < 5; ++i) {
        const Receipt receipt = update(store, handle, StepRule(kRateOne, table), ones);
        CHECK(receipt.outcome == Outcome::rejected);
        CHECK_EQUAL(receipt.attempts, 0u);
      }
      store.leave(handle);
      std::vector<float> theta(20);
      CHECK_EQUAL(store.snapshot(theta), 0u);
      CHECK(theta == ramp(20));
    });
}

TEST(staleness_counts_the_updates_published_in_between) {
  const std::vector<float> start(3, 0.0f);
  const auto check = [&](auto& store) {
    auto slow = store.handle(0), fast = store.handle(1);
    store.read(slow);
    ones({}, slow.gradient.span());
    for (int i = 0; i < 4; ++i) update(store, fast, kPlain, ones);
    store.prepare(slow, kPlain);
    const Receipt receipt = store.commit(slow);
    CHECK(receipt.outcome == Outcome::published);
    CHECK_EQUAL(receipt.tau(), 4u);
    store.leave(slow);
    store.leave(fast);
    CHECK(parameters(store, 3) == std::vector<float>(3, -5.0f));
  };
  LockedStore locked(StateLayout(3), 2, start);
  check(locked);
  HogwildStore hogwild(StateLayout(3), 2, start, false);
  check(hogwild);
  LeashedStore leashed(StateLayout(3), 2, start, kUnbounded);
  check(leashed);
}

TEST(a_leashed_retry_recomputes_tau_and_scale_for_the_vector_it_replaces) {
  const std::vector<float> start(2, 0.0f);
  const ScaleTable table({1.0, 0.5, 0.25});
  const StepRule rule(kRateOne, table);
  LeashedStore store(StateLayout(2), 2, start, kUnbounded);
  auto slow = store.handle(0), fast = store.handle(1);
  store.read(slow);
  ones({}, slow.gradient.span());
  for (Tau published = 0; published < 2; ++published) {
    store.prepare(slow, rule);
    CHECK_EQUAL(slow.receipt.tau(), published);
    CHECK_EQUAL(slow.receipt.scale, table(published));
    update(store, fast, kPlain, ones);
    CHECK(store.commit(slow).outcome == Outcome::retry);
  }
  store.prepare(slow, rule);
  const Receipt receipt = store.commit(slow);
  CHECK(receipt.outcome == Outcome::published);
  CHECK_EQUAL(receipt.tau(), 2u);
  CHECK_EQUAL(receipt.scale, 0.25);
  CHECK_EQUAL(receipt.attempts, 3u);
  CHECK(parameters(store, 2) == std::vector<float>(2, -2.25f));
}

TEST(a_leashed_copy_shows_what_a_view_in_place_shows) {
  constexpr std::size_t kSize = 2500;  // some pieces and a rest
  const auto start = ramp(kSize);
  const StateLayout layout(kSize, 0.5f);
  LeashedStore in_place(layout, 2, start, 0), copying(layout, 2, start, 0, true);
  auto a = in_place.handle(0), b = in_place.handle(1), copying_a = copying.handle(0), copying_b = copying.handle(1);
  const auto read = [&](auto& handle, auto& copying_handle) {
    const View view = in_place.read(handle), copy = copying.read(copying_handle);
    CHECK_EQUAL(copy.version, view.version);
    CHECK(std::equal(view.theta, view.theta + kSize, copy.theta));
    wavy(view, handle.gradient.span());
    wavy(copy, copying_handle.gradient.span());
  };
  const auto prepare = [&](auto& handle, auto& copying_handle) {
    in_place.prepare(handle, kPlain);
    copying.prepare(copying_handle, kPlain);
  };
  const auto commit = [&](auto& handle, auto& copying_handle, Outcome expected) {
    CHECK(in_place.commit(handle).outcome == expected);
    CHECK(copying.commit(copying_handle).outcome == expected);
  };
  for (int round = 0; round < 3; ++round) {
    read(a, copying_a);
    read(b, copying_b);
    prepare(a, copying_a);
    prepare(b, copying_b);
    commit(a, copying_a, Outcome::published);
    commit(b, copying_b, Outcome::dropped);
    read(a, copying_a);  // its own
    read(b, copying_b);  // another's, after a candidate in vain
    prepare(b, copying_b);
    commit(b, copying_b, Outcome::published);
  }
}

TEST(persistence_bounds_the_attempts_and_a_drop_changes_nothing) {
  for (std::uint64_t persistence : {0, 1, 3})
    for (const float momentum : {0.0f, 0.5f}) {
      LeashedStore store(StateLayout(2, momentum), 2, std::vector<float>(2, 0.0f), persistence);
      auto slow = store.handle(0), fast = store.handle(1);
      store.read(slow);
      ones({}, slow.gradient.span());
      std::uint64_t attempts = 0;
      Outcome outcome = Outcome::retry;
      while (outcome == Outcome::retry) {
        store.prepare(slow, kPlain);
        update(store, fast, kPlain, ones);  // always first
        outcome = store.commit(slow).outcome;
        ++attempts;
      }
      CHECK(outcome == Outcome::dropped);
      CHECK_EQUAL(attempts, persistence + 1);
      store.leave(slow);
      store.leave(fast);
      SequentialStore alone(StateLayout(2, momentum), std::vector<float>(2, 0.0f));
      auto handle = alone.handle(0);
      for (std::uint64_t i = 0; i < attempts; ++i) update(alone, handle, kPlain, ones);
      CHECK(parameters(store, 2) == parameters(alone, 2));  // as if the slow one had never been
    }
}

// With η·C = 1 and gradients of ones, N published updates leave exactly −N: nothing lost, nothing applied twice.
TEST(consistent_engines_conserve_every_published_update) {
  constexpr std::size_t kSize = 33, kUpdates = 300;
  for (std::size_t workers : {2, 4, 16})
    for_every_store(workers, StateLayout(kSize), std::vector<float>(kSize, 0.0f), [&](const char* name, auto& store) {
      std::atomic<std::uint64_t> published{0}, tau_sum{0};
      std::vector<std::thread> threads;
      for (std::size_t w = 0; w < workers; ++w)
        threads.emplace_back([&, w] {
          auto handle = store.handle(w);
          for (std::size_t i = 0; i < kUpdates; ++i) {
            const Receipt receipt = update(store, handle, kPlain, ones);
            published += receipt.outcome == Outcome::published;
            tau_sum += receipt.tau();
          }
          store.leave(handle);
        });
      for (auto& thread : threads) thread.join();
      std::vector<float> theta(kSize);
      CHECK_EQUAL(store.snapshot(theta), published.load());
      const bool hogwild = std::string_view(name).starts_with("hogwild");
      for (const float value : theta) {
        const double lost = static_cast<double>(published.load()) + static_cast<double>(value);
        if (hogwild)
          CHECK(lost >= 0 && lost <= static_cast<double>(published.load()));
        else
          CHECK_EQUAL(lost, 0.0);
      }
      const std::size_t copies = std::string_view(name) == "leashed-copy" ? workers : 0;  // beside the pool's 2m + c
      CHECK(store.vectors().high_water <= 2 * workers + 1 + copies);
    });
}

// Readers must see whole versions: in a consistent engine all components of a view are equal, and equal to −version.
TEST(views_and_snapshots_of_consistent_engines_are_never_torn) {
  constexpr std::size_t kSize = 257, kWorkers = 3, kUpdates = 500;
  for_every_store(kWorkers, StateLayout(kSize), std::vector<float>(kSize, 0.0f), [&](const char* name, auto& store) {
    if (std::string_view(name).starts_with("hogwild")) return;
    std::atomic<bool> done{false};
    std::atomic<int> torn{0};
    const auto whole = [&](const float* theta, Version version) {
      for (std::size_t i = 0; i < kSize; ++i) torn += theta[i] != -static_cast<float>(version);
    };
    std::vector<std::thread> threads;
    for (std::size_t w = 0; w < kWorkers; ++w)
      threads.emplace_back([&, w] {
        auto handle = store.handle(w);
        for (std::size_t i = 0; i < kUpdates; ++i)
          update(store, handle, kPlain, [&](const View& view, std::span<float> gradient) {
            whole(view.theta, view.version);
            ones(view, gradient);
          });
        store.leave(handle);
      });
    std::thread watcher([&] {
      std::vector<float> theta(kSize);
      while (!done) {
        const Version version = store.snapshot(theta);
        whole(theta.data(), version);
      }
    });
    for (auto& thread : threads) thread.join();
    done = true;
    watcher.join();
    CHECK_EQUAL(torn.load(), 0);
  });
}

TEST(a_synchronous_round_averages_by_samples_in_worker_order) {
  SynchronousStore store(StateLayout(40), 3, std::vector<float>(40, 0.0f));
  const std::vector<std::size_t> samples{4, 4, 2};
  std::vector<Receipt> receipts(3);
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < 3; ++w)
    threads.emplace_back([&, w] {
      auto handle = store.handle(w);
      handle.samples = samples[w];
      receipts[w] = update(store, handle, kPlain, [&](const View&, std::span<float> gradient) {
        std::fill(gradient.begin(), gradient.end(), static_cast<float>(w + 1));
      });
      store.leave(handle);
    });
  for (auto& thread : threads) thread.join();
  float mean = 0.4f * 1.0f;
  mean += 0.4f * 2.0f;
  mean += 0.2f * 3.0f;
  for (const float value : parameters(store, 40)) CHECK_NEAR(value, -mean, 1e-6);
  CHECK(receipts[0].outcome == Outcome::published);
  CHECK(receipts[1].outcome == Outcome::merged && receipts[2].outcome == Outcome::merged);
}

TEST(a_synchronous_round_goes_on_without_those_who_left) {
  SynchronousStore store(StateLayout(4), 3, std::vector<float>(4, 0.0f));
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < 3; ++w)
    threads.emplace_back([&, w] {
      auto handle = store.handle(w);
      for (std::size_t i = 0; i < 10 * (w + 1); ++i) update(store, handle, kPlain, ones);
      store.leave(handle);
    });
  for (auto& thread : threads) thread.join();
  std::vector<float> theta(4);
  CHECK_EQUAL(store.snapshot(theta), 30u);
  for (const float value : theta) CHECK_NEAR(value, -30.0, 1e-4);
}

TEST(a_softsync_update_is_the_mean_of_its_gradients_each_with_the_scale_of_its_own_staleness) {
  const Rate rate = Rate::constant(0.5);
  const ScaleTable table({1.0, 0.5, 0.0});  // staleness 2 and more is rejected
  const StepRule rule(rate, table);
  SoftsyncStore store(StateLayout(40), 3, std::vector<float>(40, 0.0f), 3);
  std::vector<SoftsyncStore::Handle> handles;
  for (std::size_t w = 0; w < 3; ++w) handles.push_back(store.handle(w));
  const auto bring = [&](std::size_t w, float value) {
    std::fill_n(handles[w].gradient.data(), 40, value);
    store.prepare(handles[w], rule);
    return store.commit(handles[w]);
  };
  for (auto& handle : handles) CHECK_EQUAL(store.read(handle).version, 0u);
  CHECK(bring(2, 8.0f).outcome == Outcome::gathered);
  store.read(handles[2]);
  CHECK(bring(2, 16.0f).outcome == Outcome::gathered);
  CHECK(store.has_waiting());
  Receipt receipt = bring(0, 3.0f);
  CHECK(receipt.outcome == Outcome::published && receipt.replaced == 0 && receipt.attempts == 1);
  CHECK(!store.has_waiting());
  for (const float value : parameters(store, 40)) CHECK_NEAR(value, -0.5 * (8 + 16 + 3) / 3, 1e-6);

  receipt = bring(1, 32.0f);  // read before that update
  CHECK(receipt.outcome == Outcome::gathered && receipt.tau() == 1 && receipt.scale == 0.5);
  store.read(handles[0]), store.read(handles[2]);
  bring(0, 1.0f);
  CHECK(bring(2, 2.0f).outcome == Outcome::published);
  for (const float value : parameters(store, 40)) CHECK_NEAR(value, -4.5 - 0.5 * (0.5 * 32 + 1 + 2) / 3, 1e-6);

  store.read(handles[1]);
  for (int i = 0; i < 6; ++i) {
    store.read(handles[0]);
    bring(0, 0.0f);
  }
  CHECK(bring(1, 1.0f).outcome == Outcome::rejected);  // staleness 2
  CHECK(!store.has_waiting());
}

TEST(the_bits_of_a_softsync_update_do_not_depend_on_who_came_first) {
  const auto bits = [](const std::vector<std::size_t>& order) {
    SoftsyncStore store(StateLayout(3000), 3, std::vector<float>(3000, 1.0f), 4);
    std::vector<int> brought(3);
    for (const std::size_t w : order) {
      auto handle = store.handle(w);
      store.read(handle);
      Rng rng(10 * w + brought[w]++, Stream::tests);
      for (std::size_t i = 0; i < 3000; ++i) handle.gradient[i] = static_cast<float>(rng.normal());
      store.prepare(handle, kPlain);
      store.commit(handle);
    }
    CHECK(!store.has_waiting());
    return parameters(store, 3000);
  };
  const auto expected = bits({0, 1, 1, 2});
  CHECK(bits({1, 2, 0, 1}) == expected);
  CHECK(bits({2, 1, 1, 0}) == expected);
  CHECK(bits({0, 1, 2, 2}) != expected);  // other gradients
}

TEST(a_worker_may_leave_in_the_middle_of_an_update) {
  LeashedStore store(StateLayout(2), 2, std::vector<float>(2, 0.0f), kUnbounded);
  for (int i = 0; i < 50; ++i) {
    auto handle = store.handle(0);
    store.read(handle);
    if (i % 2) store.prepare(handle, kPlain);
    store.leave(handle);
  }
  auto other = store.handle(1);
  for (int i = 0; i < 10; ++i) CHECK(update(store, other, kPlain, ones).outcome == Outcome::published);
  CHECK_EQUAL(store.vectors().rescans, 0u);
}

TEST(a_view_may_be_given_up_by_reading_again) {
  for_every_store(1, StateLayout(2), std::vector<float>(2, 0.0f), [&](const char*, auto& store) {
    auto handle = store.handle(0);
    update(store, handle, kPlain, ones);
    const std::size_t high_water = store.vectors().high_water;
    for (int i = 0; i < 10; ++i) {
      store.read(handle);
      CHECK(update(store, handle, kPlain, ones).outcome == Outcome::published);
    }
    store.leave(handle);
    CHECK_EQUAL(store.vectors().high_water, high_water);
    CHECK_EQUAL(store.vectors().rescans, 0u);
  });
}

// What a worker owns comes from its own thread's memory instead.
TEST(all_that_workers_share_lies_in_the_memory_of_the_layout) {
  constexpr std::size_t kWorkers = 3;
  const auto start = ramp(33);
  for (const float momentum : {0.0f, 0.9f}) {
    CountingMemory memory;
    const StateLayout layout(33, momentum, &memory);
    const auto states = [&](auto make) {
      auto store = make();
      const std::size_t shared = memory.held;
      auto handle = store.handle(0);
      CHECK_EQUAL(memory.held, shared);
      return shared / (layout.size() * sizeof(float));
    };
    CHECK_EQUAL(states([&] { return SequentialStore(layout, start); }), 1u);
    CHECK_EQUAL(states([&] { return LockedStore(layout, kWorkers, start); }), 1u);
    CHECK_EQUAL(states([&] { return SoftsyncStore(layout, kWorkers, start, kWorkers); }), 1u);
    CHECK_EQUAL(states([&] { return HogwildStore(layout, kWorkers, start, true); }), 1u);
    if (momentum == 0) CHECK_EQUAL(states([&] { return FusedHogwildStore(layout, kWorkers, start, true); }), 1u);
    CHECK_EQUAL(states([&] { return LeashedStore(layout, kWorkers, start, kUnbounded); }), 2 * kWorkers + 1);
    CHECK_EQUAL(states([&] { return SynchronousStore(layout, kWorkers, start); }), 3u);
    CHECK_EQUAL(memory.held, 0u);
  }
}
