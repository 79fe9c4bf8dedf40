#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "asap/store/leashed.h"
#include "programs.h"

namespace programs {
namespace {

using asap::VectorPool;
using schedule::require;

constexpr std::size_t kFloats = 2;  // of which the first is the version, the second a sum

struct PoolInUse {
  explicit PoolInUse(const PoolUse& the_use) : use(the_use), pool(use.slots, kFloats, std::array<float, kFloats>{}) {}

  const PoolUse use;
  VectorPool pool;
  float sum = 0;  // of what was published
  std::uint64_t publications = 0;
};

float load(const float* vector, std::size_t i) {
  schedule::reads(vector + i);
  return vector[i];
}

void store(float* vector, std::size_t i, float value) {
  schedule::writes(vector + i);
  vector[i] = value;
}

/// A gradient's view of the vector: it is read slowly, twice, and is the same.
void look(PoolInUse& shared) {
  const VectorPool::Pin pin = shared.pool.pin();
  std::array<float, kFloats> first;
  for (std::size_t i = 0; i < kFloats; ++i) first[i] = load(pin.vector, i);
  require(first[0] == static_cast<float>(pin.version), "a vector of another version");
  schedule::yield();
  for (std::size_t i = 0; i < kFloats; ++i) require(load(pin.vector, i) == first[i], "a pinned vector changed");
  shared.pool.unpin(pin);
}

/// One attempt: the latest vector plus `amount`, published if nobody was faster.
bool attempt(PoolInUse& shared, VectorPool::Slot fresh, float amount, VectorPool::Pin& base) {
  base = shared.pool.pin();
  float* candidate = shared.pool.vector(fresh);
  store(candidate, 0, static_cast<float>(base.version + 1));
  schedule::yield();
  require(load(base.vector, 0) == static_cast<float>(base.version), "a vector of another version");
  store(candidate, 1, load(base.vector, 1) + amount);
  shared.pool.unpin(base);
  return shared.pool.publish(base, fresh);
}

void work(PoolInUse& shared, float amount) {
  VectorPool::Slot retired = 0;
  for (std::uint64_t done = 0; done < shared.use.publications; ++done) {
    look(shared);
    if (shared.use.prefers_anything) retired = static_cast<VectorPool::Slot>(schedule::choose(shared.use.slots));
    const VectorPool::Slot fresh = shared.pool.acquire(retired);
    VectorPool::Pin base;
    bool published = attempt(shared, fresh, amount, base);
    while (!published && !shared.use.drops) published = attempt(shared, fresh, amount, base);
    if (published) {
      retired = base.slot;
      shared.sum += amount;
      ++shared.publications;
    } else {
      shared.pool.release(fresh);
    }
  }
}

void check_at_rest(PoolInUse& shared) {
  const VectorPool::Pin last = shared.pool.pin();
  require(last.version == shared.publications, "versions and publications differ in number");
  require(last.vector[0] == static_cast<float>(last.version), "the last vector is of another version");
  require(last.vector[1] == shared.sum, "an update was lost");
  shared.pool.unpin(last);
  require(shared.pool.high_water() <= shared.use.slots, "more slots in use than there are");
  require(shared.pool.rescans() == 0, "no slot was free");
  for (std::size_t i = 1; i < shared.use.slots; ++i) shared.pool.acquire();
  require(shared.pool.rescans() == 0, "a slot was left behind");
}

}  // namespace

schedule::Program pool(const PoolUse& use) {
  const auto shared = std::make_shared<PoolInUse>(use);
  schedule::Program program;
  for (std::size_t w = 0; w < use.workers; ++w)
    program.threads.push_back([shared, w] { work(*shared, static_cast<float>(1 << 4 * w)); });
  for (std::size_t r = 0; r < use.readers; ++r)
    program.threads.push_back([shared] {
      for (std::uint64_t i = 0; i < shared->use.publications; ++i) look(*shared);
    });
  program.at_rest = [shared] { check_at_rest(*shared); };
  return program;
}

namespace {

struct EngineInUse {
  EngineInUse(std::size_t workers, std::uint64_t the_persistence, bool copy, bool the_keeps_view)
      : persistence(the_persistence),
        keeps_view(the_keeps_view),
        store(layout(the_keeps_view), workers, std::array<float, 1>{}, the_persistence, copy) {
    for (std::size_t w = 0; w < workers; ++w) handles.push_back(store.handle(w));
  }

  /// With a correction that needs the view but corrects nothing.
  static asap::StateLayout layout(bool keeps_view) {
    asap::correction::Correction correction;
    if (keeps_view) correction = asap::correction::DelayCompensated{0.0};
    return asap::StateLayout(1, 0.0f, std::pmr::new_delete_resource(), correction);
  }

  const std::uint64_t persistence;
  const bool keeps_view;
  asap::Rate rate = asap::Rate::constant(1.0);
  asap::ScaleTable table{{1.0}};
  asap::StepRule rule{rate, table};
  asap::LeashedStore store;
  std::vector<asap::LeashedStore::Handle> handles;
  std::vector<std::pair<asap::Version, float>> published;  // what was replaced, and what was added
  std::vector<std::pair<asap::Version, float>> views;      // and what was read
};

void train(EngineInUse& shared, asap::LeashedStore::Handle& handle, float amount, std::uint64_t updates) {
  for (std::uint64_t i = 0; i < updates; ++i) {
    const asap::View view = shared.store.read(handle);
    const float before = *view.theta;
    schedule::yield();
    require(*view.theta == before, "a view changed");
    shared.views.emplace_back(view.version, before);
    handle.gradient.data()[0] = -amount;
    asap::Receipt receipt;
    do {
      shared.store.prepare(handle, shared.rule);
      schedule::yield();
      if (shared.keeps_view) require(*view.theta == before, "a view was not kept");
      receipt = shared.store.commit(handle);
    } while (receipt.outcome == asap::Outcome::retry);
    require(receipt.attempts <= shared.persistence + 1 || shared.persistence + 1 == 0, "too many attempts");
    require(receipt.replaced >= receipt.read, "a negative staleness");
    if (receipt.outcome == asap::Outcome::published) shared.published.emplace_back(receipt.replaced, amount);
  }
  shared.store.leave(handle);
}

}  // namespace

schedule::Program leashed(std::size_t workers, std::uint64_t updates, std::uint64_t persistence, bool copy,
                          bool keeps_view) {
  const auto shared = std::make_shared<EngineInUse>(workers, persistence, copy, keeps_view);
  schedule::Program program;
  for (std::size_t w = 0; w < workers; ++w)
    program.threads.push_back(
        [shared, w, updates] { train(*shared, shared->handles[w], static_cast<float>(1 << 4 * w), updates); });
  program.at_rest = [shared] {
    std::sort(shared->published.begin(), shared->published.end());
    std::vector<float> sums{0};  // the parameters of every version
    for (const auto& [replaced, amount] : shared->published) {
      require(replaced + 1 == sums.size(), "a version was replaced twice, another one never");
      sums.push_back(sums.back() + amount);
    }
    std::array<float, 1> theta;
    require(shared->store.snapshot(theta) + 1 == sums.size(), "versions and publications differ in number");
    require(theta[0] == sums.back(), "an update was lost");
    for (const auto& [version, value] : shared->views)
      require(sums.at(version) == value, "a view has the parameters of another version");
    require(shared->store.vectors().rescans == 0, "no slot was free");
  };
  return program;
}

}  // namespace programs
