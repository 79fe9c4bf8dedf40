// The worker loop allocates nothing after its first update: shown by counting every malloc of the worker threads.
//
// The C library's allocation functions are replaced in this program; a thread counts while its flag is up. The flag
// goes up at the end of a worker's first gradient and never down again, so what publishes, records and announces is
// counted too.
#include <atomic>
#include <cstdlib>
#include <vector>

#include "asap/model/network.h"
#include "asap/train/trainer.h"
#include "check.h"
#include "engines.h"

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace {

thread_local bool counting = false;
std::atomic<int> allocations{0};

void count() {
  if (counting) allocations.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

extern "C" {
void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) {
  count();
  return __libc_calloc(number, size);
}
void* realloc(void* old, std::size_t size) {
  count();
  return __libc_realloc(old, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
  count();
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
  count();
  *result = __libc_memalign(alignment, size);
  return *result ? 0 : 12;
}
}

namespace {

using namespace asap;

/// Volatile, or the compiler leaves both calls out.
void allocate_and_free() {
  void* volatile block = std::malloc(1);
  std::free(block);
}

/// Raises the calling worker's flag after its first gradient; `leaky` allocates in every one (the planted fault).
class Watched : public FusibleObjective {
 public:
  Watched(const FusibleObjective& inner, bool leaky) : inner_(inner), leaky_(leaky) {}

  std::size_t num_parameters() const override { return inner_.num_parameters(); }
  std::size_t num_samples() const override { return inner_.num_samples(); }
  std::unique_ptr<Workspace> workspace(std::size_t max_batch) const override { return inner_.workspace(max_batch); }
  double gradient(const float* theta, const Batch& batch, Workspace* workspace, float* gradient) const override {
    if (leaky_) allocate_and_free();
    const double loss = inner_.gradient(theta, batch, workspace, gradient);
    counting = true;
    return loss;
  }
  std::unique_ptr<Workspace> fused_workspace(std::size_t max_batch) const override {
    return inner_.fused_workspace(max_batch);
  }
  double forward(const float* theta, const Batch& batch, Workspace* workspace) const override {
    return inner_.forward(theta, batch, workspace);
  }
  void add_gradient(const float* theta, float factor, Workspace* workspace, float* sum) const override {
    inner_.add_gradient(theta, factor, workspace, sum);
    counting = true;
  }
  Metrics evaluate(const float* theta, const Batch& batch, Workspace* workspace) const override {
    return inner_.evaluate(theta, batch, workspace);
  }

 private:
  const FusibleObjective& inner_;
  const bool leaky_;
};

/// 100 images of noise, 16×16, in 10 classes, and a small convolutional network.
struct Problem {
  std::vector<std::uint8_t> pixels = std::vector<std::uint8_t>(100 * 256);
  std::vector<std::int32_t> labels = std::vector<std::int32_t>(100);
  Dataset data;
  Network network{{1, 16, 16},
                  {Conv2d{4, 3}, Relu{}, MaxPool2d{2}, Flatten{}, Dense{20}, Tanh{}, Dense{10}},
                  Loss::softmax_cross_entropy};
  Problem() {
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 10);
    data.inputs = {
        reinterpret_cast<const std::byte*>(pixels.data()), ElementType::uint8, 100, {1, 16, 16}, 256, 0, 16, 1};
    data.labels = labels;
  }
};

int allocations_of(const engine::Engine& engine, bool leaky, const correction::Correction& correction = {}) {
  const Problem problem;
  const NetworkObjective objective(problem.network, problem.data);
  const Watched watched(objective, leaky);
  std::vector<float> theta(problem.network.num_parameters());
  problem.network.initialise(Initialiser::he, 1, theta);
  allocations = 0;
  TraceMemory trace;  // allocates, in the spiller's thread
  const std::size_t workers = engines::workers_of(engine, 4);
  train(watched, theta,
        {.engine = engine,
         .workers = workers,
         .batch_size = 7,
         .epochs = 80,  // more records than a block of the trace holds, for one worker
         .policy = policy::tail_tau(1.0, Cdf::mid, OnlineSample{.every = 2, .half_life = 10}),
         .correction = correction,
         .momentum = std::holds_alternative<engine::FusedHogwild>(engine) ? 0.0 : 0.9,
         .weight_decay = 1e-4,
         .trace = &trace});
  return allocations;
}

}  // namespace

TEST(workers_allocate_nothing_after_their_first_update) {
  for (const engine::Engine& engine :
       {engine::Engine{engine::Sequential{}}, engine::Engine{engine::Synchronous{}}, engine::Engine{engine::Locked{}},
        engine::Engine{engine::Hogwild{}}, engine::Engine{engine::Hogwild{.read = engine::Read::in_place}},
        engine::Engine{engine::FusedHogwild{}}, engine::Engine{engine::Leashed{}},
        engine::Engine{engine::Leashed{.persistence = 0}},
        engine::Engine{engine::Leashed{.read = engine::Read::in_place}}, engine::Engine{engine::Softsync{}},
        engine::Engine{engine::Softsync{.n = 1}}})
    CHECK_EQUAL(allocations_of(engine, false), 0);
}

TEST(corrections_allocate_nothing_either) {
  for (const correction::Correction& correction : std::vector<correction::Correction>{
           correction::DelayCompensated{}, correction::GapAware{}, correction::NormClipped{}})
    for (const engine::Engine& engine :
         {engine::Engine{engine::Locked{}}, engine::Engine{engine::Hogwild{}}, engine::Engine{engine::Leashed{}},
          engine::Engine{engine::Leashed{.read = engine::Read::in_place}}})
      CHECK_EQUAL(allocations_of(engine, false, correction), 0);
}

TEST(the_counter_sees_an_allocation) { CHECK(allocations_of(engine::Leashed{}, true) > 500); }
