#include <array>
#include <memory>
#include <vector>

#include "asap/store/hogwild.h"
#include "programs.h"

namespace programs {
namespace {

using schedule::require;

struct HogwildInUse {
  HogwildInUse(std::size_t workers, std::size_t limit)
      : scales(limit + 1, 1.0), store(asap::StateLayout(1), workers, std::array<float, 1>{}, false) {
    scales.back() = 0.0;
    table = std::make_unique<asap::ScaleTable>(scales);
    for (std::size_t w = 0; w < workers; ++w) handles.push_back(store.handle(w));
  }

  std::vector<double> scales;  // 1 below the limit, 0 from there on
  std::unique_ptr<asap::ScaleTable> table;
  asap::HogwildStore store;
  std::vector<asap::HogwildStore::Handle> handles;
  std::vector<int> replaced = std::vector<int>(64);  // how often each version was
  std::uint64_t published = 0;
};

void train(HogwildInUse& shared, asap::HogwildStore::Handle& handle, std::uint64_t gradients) {
  const asap::Rate rate = asap::Rate::constant(1.0);
  const asap::StepRule rule(rate, *shared.table);
  for (std::uint64_t i = 0; i < gradients; ++i) {
    shared.store.read(handle);
    handle.gradient.data()[0] = 1;
    shared.store.prepare(handle, rule);
    const asap::Receipt receipt = shared.store.commit(handle);
    const double scale = (*shared.table)(receipt.tau());
    require(receipt.scale == scale, "a step is not that of its staleness");
    if (receipt.outcome == asap::Outcome::rejected) {
      require(scale == 0.0, "an update was rejected that C accepts");
      continue;
    }
    require(receipt.outcome == asap::Outcome::published && scale != 0.0, "an update was published that C rejects");
    require(shared.replaced[receipt.replaced]++ == 0, "a version was replaced twice");
    ++shared.published;
  }
}

}  // namespace

schedule::Program hogwild(std::size_t workers, std::uint64_t gradients, std::size_t limit) {
  const auto shared = std::make_shared<HogwildInUse>(workers, limit);
  schedule::Program program;
  for (std::size_t w = 0; w < workers; ++w)
    program.threads.push_back([shared, w, gradients] { train(*shared, shared->handles[w], gradients); });
  program.at_rest = [shared] {
    std::array<float, 1> theta;
    require(shared->store.snapshot(theta) == shared->published, "versions and publications differ in number");
  };
  return program;
}

}  // namespace programs
