// Reading and publishing, without a gradient in between.
#include <algorithm>

#include "asap/bench/cases.h"
#include "asap/train/make_store.h"

namespace asap::bench {
namespace {

constexpr double kRate = 1e-3;

template <Store S, class Engine>
struct Exchange {
  Exchange(const Engine& engine, std::size_t parameters)
      : start(normal(parameters, 1)),
        store(make_store(engine, StateLayout(parameters), 1, start.span())),
        handle(store.handle(0)) {
    const AlignedBuffer<float> gradient = normal(parameters, 2);
    std::ranges::copy(gradient.span(), handle.gradient.data());
  }

  void run() {
    store.read(handle);
    store.prepare(handle, rule);
    store.commit(handle);
  }

  void check(const std::string& name) const {
    AlignedBuffer<float> theta(start.size()), expected(start.size());
    const_cast<S&>(store).snapshot(theta.span());
    for (std::size_t i = 0; i < start.size(); ++i)
      expected[i] = start[i] - static_cast<float>(kRate) * handle.gradient[i];
    expect_close(name, theta.span(), expected.span(), 1e-6);
  }

  const Rate rate = Rate::constant(kRate);
  const ScaleTable table{{1.0}};
  const StepRule rule{rate, table};
  AlignedBuffer<float> start;
  S store;
  typename S::Handle handle;
};

// The arrays are the gradient, the shared vector, and what the engine needs besides.
constexpr kernels::StreamMix kScale{0, 1, 0}, kInPlace{1, 1, 0}, kInPlaceWithCopy{1, 1, 1}, kOutOfPlace{2, 0, 1};

std::vector<Pass> passes(const engine::Sequential&) { return {{kInPlace, {0, 1}}}; }
std::vector<Pass> passes(const engine::Locked&) { return {{kInPlaceWithCopy, {0, 1, 2}}}; }
std::vector<Pass> passes(const engine::Hogwild&) { return {{kInPlace, {0, 1}}}; }
std::vector<Pass> passes(const engine::Leashed&) { return {{kOutOfPlace, {0, 1, 2}}}; }
std::vector<Pass> passes(const engine::Softsync&) { return {{kInPlaceWithCopy, {0, 1, 2}}}; }
std::vector<Pass> passes(const engine::Synchronous&) { return {{kScale, {0}}, {kOutOfPlace, {0, 1, 2}}}; }

template <class Engine>
Case exchange(const std::string& engine_name, const Engine& engine, std::size_t parameters) {
  using S = decltype(make_store(engine, StateLayout(1), 1, std::span<const float>()));
  return make_case(
      engine_name + ", read and publish d=" + std::to_string(parameters),
      {.floats = parameters, .passes = passes(engine)},
      [=] { return std::make_shared<Exchange<S, Engine>>(engine, parameters); }, &Exchange<S, Engine>::run,
      &Exchange<S, Engine>::check);
}

}  // namespace

const std::vector<NamedEngine>& engines() {
  static const std::vector<NamedEngine> all{
      {"sequential", engine::Sequential{}}, {"synchronous", engine::Synchronous{}},    {"locked", engine::Locked{}},
      {"hogwild", engine::Hogwild{}},       {"hogwild:fused", engine::FusedHogwild{}}, {"leashed", engine::Leashed{}}};
  return all;
}

// With its update fused into the backward pass Hogwild! has nothing left to publish.
Cases stores() {
  Cases cases;
  for (const std::size_t parameters : {34622u, 134794u})
    for (const NamedEngine& named : engines())
      std::visit(
          [&]<class Engine>(const Engine& engine) {
            if constexpr (!std::is_same_v<Engine, engine::FusedHogwild>)
              cases.push_back(exchange(named.name, engine, parameters));
          },
          named.engine);
  return cases;
}

}  // namespace asap::bench
