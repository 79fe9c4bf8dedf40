// Whole updates: batch → gradient → τ → scale → publish → record, by the worker that trains.
#include <mutex>

#include "asap/bench/cases.h"
#include "asap/core/rng.h"
#include "asap/data/gather.h"
#include "asap/model/reference.h"
#include "asap/model/shape.h"
#include "asap/train/make_store.h"
#include "asap/train/worker.h"

namespace asap::bench {
namespace {

constexpr std::size_t kSamples = 60000, kClasses = 10;
constexpr Shape kShape{1, 28, 28};
constexpr double kRate = 0.01;
constexpr std::uint64_t kSeed = 1;

std::vector<Layer> layers_of(Example example) {
  if (example == Example::mlp) return {Dense{128}, Relu{}, Dense{128}, Relu{}, Dense{128}, Relu{}, Dense{kClasses}};
  return {Conv2d{6, 5}, Relu{}, MaxPool2d{2}, Conv2d{16, 5}, Relu{}, MaxPool2d{2}, Dense{120}, Relu{}, Dense{kClasses}};
}

/// Images of random bytes in MNIST's number and shape, made once.
const Dataset& images() {
  static const auto bytes = [] {
    Rng rng(kSeed, Stream::tests);
    std::vector<std::uint8_t> values(kSamples * kShape.size());
    for (auto& value : values) value = static_cast<std::uint8_t>(rng.bits());
    return values;
  }();
  static const auto labels = [] {
    Rng rng(kSeed, Stream::tests, 1);
    std::vector<std::int32_t> values(kSamples);
    for (auto& value : values) value = static_cast<std::int32_t>(rng.bits() % kClasses);
    return values;
  }();
  static const Dataset dataset{{reinterpret_cast<const std::byte*>(bytes.data()), ElementType::uint8, kSamples, kShape,
                                kShape.size(), kShape.size(), kShape.width, 1},
                               labels,
                               {},
                               0};
  return dataset;
}

/// A network, its data and its first update.
struct Problem {
  Problem(Example the_example, std::size_t the_batch_size)
      : example(the_example),
        network(kShape, layers_of(example), Loss::softmax_cross_entropy),
        objective(network, images()),
        batch_size(the_batch_size),
        start(network.num_parameters()) {
    network.initialise(Initialiser::he, kSeed, start.span());
    find_first_update();
  }

  /// θ₀ − η·∇ on batch 0, the gradient by the naive loops.
  void find_first_update() {
    std::vector<std::uint64_t> indices(batch_size);
    BatchSource(kSamples, batch_size, kSeed, 1).samples(0, indices);
    model::reference::Batch<float> batch{batch_size, std::vector<float>(batch_size * kShape.size()), {}, {}};
    gather_rows(images().inputs, indices, batch.inputs.data());
    for (const std::uint64_t index : indices) batch.labels.push_back(images().labels[index]);
    const model::reference::Network<float> naive(kShape, network.layers(), network.loss());
    change = naive.gradients({start.span().begin(), start.span().end()}, batch).parameters;
    for (float& value : change) value *= -static_cast<float>(kRate);
  }

  Example example;
  Network network;
  NetworkObjective objective;
  std::size_t batch_size;
  AlignedBuffer<float> start;
  std::vector<float> change;  ///< by the first update
};

/// The last one is kept: engines are measured one after the other on the same problem.
std::shared_ptr<const Problem> problem(Example example, std::size_t batch_size) {
  static std::mutex mutex;  // guards last
  static std::shared_ptr<const Problem> last;
  const std::lock_guard lock(mutex);
  if (!last || last->example != example || last->batch_size != batch_size)
    last = std::make_shared<const Problem>(example, batch_size);
  return last;
}

/// A run with one worker, whose loop is turned by hand.
template <class Engine>
class Run {
 public:
  Run(const Engine& engine, Example example, std::size_t batch_size)
      : problem_(problem(example, batch_size)),
        options_{.engine = engine, .batch_size = batch_size, .rate = Rate::constant(kRate), .seed = kSeed},
        state_(problem_->objective, options_),
        store_(make_store(engine, StateLayout(problem_->start.size()), 1, problem_->start.span())),
        worker_(state_, store_, 0) {}
  ~Run() { worker_.leave(); }

  void update() {
    worker_.turn();
    if (state_.diverged.load(std::memory_order_relaxed)) throw WrongAnswer("the updates that are timed diverge");
  }

  void check(const std::string& name) const {
    AlignedBuffer<float> change(problem_->start.size());
    const_cast<decltype(store_)&>(store_).snapshot(change.span());
    for (std::size_t i = 0; i < change.size(); ++i) change[i] -= problem_->start[i];
    expect_close(name, change.span(), problem_->change, 1e-3);
  }

 private:
  std::shared_ptr<const Problem> problem_;
  TrainOptions options_;
  RunState state_;
  decltype(make_store(Engine(), StateLayout(1), 1, std::span<const float>())) store_;
  Worker<decltype(store_)> worker_;
};

}  // namespace

const char* name_of(Example example) { return example == Example::mlp ? "MLP" : "LeNet"; }

double update_flops(Example example, std::size_t batch_size) {
  double products = 0;
  bool first = true;
  Shape shape = kShape;
  const std::vector<Layer> layers = layers_of(example);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const Shape after = model::output_shape(i, layers[i], shape);
    double forward = 0;
    if (const auto* dense = std::get_if<Dense>(&layers[i])) forward = static_cast<double>(shape.size() * dense->units);
    if (const auto* layer = std::get_if<Conv2d>(&layers[i]))
      forward = static_cast<double>(after.size() * shape.channels * layer->window * layer->window);
    if (forward > 0) products += forward * (first ? 2 : 3), first = false;
    shape = after;
  }
  return 2 * products * static_cast<double>(batch_size);
}

Case update(Example example, std::size_t batch_size, const NamedEngine& named) {
  const std::string name = std::string(name_of(example)) + " b=" + std::to_string(batch_size) + ", " + named.name;
  return std::visit(
      [&]<class Engine>(const Engine& engine) {
        return make_case(
            name, {.flops = update_flops(example, batch_size)},
            [=] { return std::make_shared<Run<Engine>>(engine, example, batch_size); }, &Run<Engine>::update,
            &Run<Engine>::check);
      },
      named.engine);
}

}  // namespace asap::bench
