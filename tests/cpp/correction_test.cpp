// Corrections in every engine: the formula on what was really read and what is really replaced, retries included; plain
// SGD where there is nothing to correct.
#include <cmath>
#include <vector>

#include "asap/store/hogwild.h"
#include "asap/store/leashed.h"
#include "asap/store/locked.h"
#include "asap/store/sequential.h"
#include "asap/store/synchronous.h"
#include "asap/train/gradient.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "quadratic.h"

namespace {

using namespace asap;
using namespace asap::correction;

constexpr std::size_t kSize = 4133;  // two pieces and a rest
constexpr std::uint64_t kUnbounded = ~std::uint64_t{0};
const Rate kRate = Rate::constant(0.1);
const ScaleTable kScale({1.0, 0.75, 0.5});
const StepRule kRule(kRate, kScale);

std::vector<float> ramp(float slope) {
  std::vector<float> values(kSize);
  for (std::size_t i = 0; i < kSize; ++i) values[i] = std::sin(slope * static_cast<float>(i + 1));
  return values;
}

/// A state by the formulas of step/correction.h in doubles, update by update from where the store really was.
class Reference {
 public:
  explicit Reference(const StateLayout& layout) : layout_(layout), state_(layout.size()) {
    const std::vector<float> start = ramp(0.01f);
    std::copy(start.begin(), start.end(), state_.begin());
  }

  Version version() const { return version_; }
  std::vector<float> theta() const { return {state_.begin(), state_.begin() + kSize}; }

  /// The store has published this gradient, computed on `view`, with C(tau).
  template <class S>
  void check_publication(S& store, Tau tau, const std::vector<float>& gradient, const std::vector<float>& view) {
    std::vector<float> now(layout_.size());
    CHECK_EQUAL(store.snapshot(now), version_ + 1);
    for (std::size_t i = 0; i < kSize; ++i) check_component(now, i, kScale(tau), wide(gradient[i]), wide(view[i]));
    state_ = std::move(now);
    ++version_;
  }

 private:
  static double wide(float x) { return static_cast<double>(x); }
  double velocity(const std::vector<float>& state, std::size_t i) const {
    const float* part = layout_.velocity(state.data());
    return part ? wide(part[i]) : 0.0;
  }

  double corrected(double g, double theta, double view, double movement) const {
    if (const auto* delay = std::get_if<DelayCompensated>(&layout_.correction()))
      return g + delay->strength * g * g * (theta - view);
    const auto* gap = std::get_if<GapAware>(&layout_.correction());
    if (!gap || theta == view) return g;
    return g / (1 + std::abs(theta - view) / (movement / (1 - std::pow(gap->memory, static_cast<double>(version_)))));
  }

  void check_component(const std::vector<float>& now, std::size_t i, double scale, double g, double view) const {
    const float* movement = layout_.movement(state_.data());
    const double theta = wide(state_[i]), average = movement ? wide(movement[i]) : 0.0;
    const double u =
        static_cast<double>(layout_.momentum()) * velocity(state_, i) + scale * corrected(g, theta, view, average);
    CHECK_NEAR(wide(now[i]), theta - 0.1 * u, 1e-6);
    if (layout_.has_velocity()) CHECK_NEAR(velocity(now, i), u, 1e-5 * (1 + std::abs(u)));
    const auto* gap = std::get_if<GapAware>(&layout_.correction());
    if (!gap) return;
    const double next = gap->memory * average + (1 - gap->memory) * std::abs(0.1 * u);
    CHECK_NEAR(wide(layout_.movement(now.data())[i]), next, 1e-6);
  }

  const StateLayout layout_;
  std::vector<float> state_;
  Version version_ = 0;
};

/// Three workers read and publish crosswise, so that τ is 0, 1, 2, 2, …
template <class S>
void cross(S& store, const StateLayout& layout) {
  Reference reference(layout);
  std::vector<typename S::Handle> handles;
  std::vector<std::vector<float>> views(3);
  for (std::size_t w = 0; w < 3; ++w) handles.push_back(store.handle(w));
  const auto read = [&](std::size_t w) {
    const View view = store.read(handles[w]);
    CHECK_EQUAL(view.version, reference.version());
    views[w].assign(view.theta, view.theta + kSize);
    CHECK(views[w] == reference.theta());
  };
  for (std::size_t w = 0; w < 3; ++w) read(w);
  for (std::size_t round = 0; round < 12; ++round) {
    const std::size_t w = round % 3;
    const std::vector<float> gradient = ramp(0.3f + static_cast<float>(round));
    std::copy(gradient.begin(), gradient.end(), handles[w].gradient.data());
    store.prepare(handles[w], kRule);
    const Receipt receipt = store.commit(handles[w]);
    CHECK(receipt.outcome == Outcome::published);
    CHECK_EQUAL(receipt.tau(), round < 2 ? round : 2u);
    reference.check_publication(store, receipt.tau(), gradient, views[w]);
    read(w);
  }
  for (auto& handle : handles) store.leave(handle);
}

const std::vector<Correction> kCorrections{DelayCompensated{0.5}, GapAware{0.9}, GapAware{0.0}, None{}};

StateLayout layout_with(const Correction& correction, float momentum = 0.0f) {
  return StateLayout(kSize, momentum, std::pmr::new_delete_resource(), correction);
}

}  // namespace

TEST(every_engine_corrects_with_what_was_read_and_what_is_replaced) {
  for (const Correction& correction : kCorrections)
    for (const float momentum : {0.0f, 0.5f}) {
      const StateLayout layout = layout_with(correction, momentum);
      LockedStore locked(layout, 3, ramp(0.01f));
      cross(locked, layout);
      HogwildStore hogwild(layout, 3, ramp(0.01f), true);
      cross(hogwild, layout);
      LeashedStore in_place(layout, 3, ramp(0.01f), kUnbounded), copying(layout, 3, ramp(0.01f), kUnbounded, true);
      cross(in_place, layout);
      cross(copying, layout);
    }
}

TEST(a_retry_corrects_anew_from_the_gradient_and_the_view_of_the_beginning) {
  for (const Correction& correction : kCorrections)
    for (const bool copy : {false, true}) {
      const StateLayout layout = layout_with(correction);
      LeashedStore store(layout, 2, ramp(0.01f), kUnbounded, copy);
      auto slow = store.handle(0), fast = store.handle(1);
      Reference reference(layout);
      const std::vector<float> view = reference.theta();
      const std::vector<float> late = ramp(0.7f);
      store.read(slow);
      std::copy(late.begin(), late.end(), slow.gradient.data());
      for (int overtaken = 0; overtaken < 3; ++overtaken) {
        store.prepare(slow, kRule);
        const std::vector<float> gradient = ramp(0.2f * static_cast<float>(overtaken + 1));
        store.read(fast);
        std::copy(gradient.begin(), gradient.end(), fast.gradient.data());
        store.prepare(fast, kRule);
        CHECK(store.commit(fast).outcome == Outcome::published);
        reference.check_publication(store, 0, gradient, reference.theta());
        CHECK(store.commit(slow).outcome == Outcome::retry);
      }
      store.prepare(slow, kRule);
      CHECK(store.commit(slow).outcome == Outcome::published);
      reference.check_publication(store, 3, late, view);
      store.leave(slow);
      store.leave(fast);
    }
}

TEST(a_dropped_gradient_leaves_neither_a_pin_nor_a_slot) {
  for (const bool copy : {false, true}) {
    const StateLayout layout = layout_with(GapAware{});
    LeashedStore store(layout, 2, ramp(0.01f), 0, copy);
    auto slow = store.handle(0), fast = store.handle(1);
    for (int round = 0; round < 50; ++round) {
      store.read(slow);
      store.prepare(slow, kRule);
      store.read(fast);
      store.prepare(fast, kRule);
      CHECK(store.commit(fast).outcome == Outcome::published);
      CHECK(store.commit(slow).outcome == Outcome::dropped);
    }
    store.leave(slow);
    store.leave(fast);
    CHECK(store.vectors().high_water <= (copy ? 2 * 2 + 1 + 2 * 2 : 3 * 2 + 1));
    CHECK_EQUAL(store.vectors().rescans, 0u);
  }
}

TEST(views_that_are_kept_need_no_more_than_three_vectors_per_worker) {
  const StateLayout layout = layout_with(DelayCompensated{});
  constexpr std::size_t kWorkers = 5;
  LeashedStore store(layout, kWorkers, ramp(0.01f), kUnbounded);
  std::vector<LeashedStore::Handle> handles;
  for (std::size_t w = 0; w < kWorkers; ++w) handles.push_back(store.handle(w));
  for (int round = 0; round < 3; ++round)
    for (std::size_t w = 0; w < kWorkers; ++w) {  // each keeps a view of its own, and a candidate
      store.read(handles[w]);
      store.prepare(handles[w], kRule);
      while (store.commit(handles[w]).outcome == Outcome::retry) store.prepare(handles[w], kRule);
      store.read(handles[w]);
      store.prepare(handles[w], kRule);
    }
  CHECK(store.vectors().high_water <= 3 * kWorkers + 1);
  CHECK_EQUAL(store.vectors().rescans, 0u);
  for (auto& handle : handles) store.leave(handle);
}

TEST(one_worker_of_any_engine_and_correction_has_the_bits_of_plain_sequential_sgd) {
  const Quadratic quadratic(kSize, 60);
  const auto trained = [&](const engine::Engine& engine, const Correction& correction, double momentum) {
    std::vector<float> theta(kSize, 1.0f);
    train(quadratic, theta,
          {.engine = engine,
           .batch_size = 4,
           .updates = 40,
           .rate = kRate,
           .correction = correction,
           .momentum = momentum,
           .weight_decay = 0.01});
    return theta;
  };
  const std::vector<engine::Engine> engines{engine::Sequential{}, engine::Synchronous{},
                                            engine::Locked{},     engine::Hogwild{},
                                            engine::Leashed{},    engine::Leashed{.read = engine::Read::copy}};
  for (const double momentum : {0.0, 0.9}) {
    const std::vector<float> plain = trained(engine::Sequential{}, None{}, momentum);
    for (const engine::Engine& engine : engines)
      for (const Correction& correction : std::vector<Correction>{DelayCompensated{0.0}, DelayCompensated{100.0},
                                                                  GapAware{}, GapAware{0.0}, NormClipped{1e9}})
        CHECK(trained(engine, correction, momentum) == plain);
    CHECK(trained(engine::Sequential{}, NormClipped{0.1}, momentum) != plain);
  }
}

TEST(a_clipped_gradient_is_as_long_as_the_bound_and_a_short_one_keeps_its_bits) {
  for (const float length : {0.5f, 1.0f, 40.0f}) {
    std::vector<float> gradient = ramp(0.4f);
    const double norm = std::sqrt(kernels::active().squared_norm(kSize, gradient.data()));
    for (float& g : gradient) g *= length / static_cast<float>(norm);
    const std::vector<float> before = gradient;
    clip_norm(2.0, kSize, gradient.data());
    const double after = std::sqrt(kernels::active().squared_norm(kSize, gradient.data()));
    CHECK_NEAR(after, std::min(2.0, static_cast<double>(length)), 1e-5);
    if (length < 2.0f) CHECK(gradient == before);
  }
  std::vector<float> broken{1.0f, std::nanf(""), 3.0f};
  clip_norm(1.0, 3, broken.data());
  CHECK(broken[0] == 1.0f && broken[2] == 3.0f && std::isnan(broken[1]));
}

TEST(engines_that_keep_no_view_refuse_corrections_that_need_one) {
  const Quadratic quadratic(5, 60);
  std::vector<float> theta(5);
  const auto refused = [&](const engine::Engine& engine, const Correction& correction, const char* reason) {
    const TrainOptions options{.engine = engine, .workers = 2, .epochs = 1, .correction = correction};
    CHECK_THROWS(std::invalid_argument, train(quadratic, theta, options), reason);
  };
  const engine::Hogwild in_place{.read = engine::Read::in_place};
  refused(in_place, DelayCompensated{}, "or the Hogwild read by copying");
  refused(in_place, GapAware{}, "or the Hogwild read by copying");
  refused(engine::Softsync{1}, GapAware{}, "needs the gradient alone for the softsync engine");
  for (const Correction& correction : std::vector<Correction>{DelayCompensated{}, GapAware{}, NormClipped{}})
    refused(engine::FusedHogwild{}, correction, "correction must be none for a fused Hogwild");
  train(quadratic, theta, {.engine = in_place, .workers = 2, .epochs = 1, .correction = NormClipped{1e9}});
  refused(engine::Locked{}, DelayCompensated{-1.0}, "strength must be a finite number ≥ 0; got -1");
  refused(engine::Locked{}, GapAware{1.0}, "memory must be in [0, 1); got 1");
  refused(engine::Locked{}, NormClipped{0.0}, "bound must be a finite number above 0; got 0");
}
