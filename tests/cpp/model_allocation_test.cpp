// Once the workspace exists, nothing is allocated: every form of operator new counts its calls here.
#include <atomic>
#include <cstdlib>
#include <new>

#include "asap/kernels/kernels.h"
#include "check.h"
#include "model_examples.h"

namespace {

std::atomic<int> allocations{0};

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (!memory) throw std::bad_alloc();
  return memory;
}

}  // namespace

// The array and nothrow forms call these.
void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

using namespace examples;

TEST(gradient_evaluate_and_predict_allocate_nothing) {
  for (const auto& example : small_examples())
    for (const auto loss : {asap::Loss::softmax_cross_entropy, asap::Loss::mean_squared_error})
      for (const auto* table : asap::kernels::available()) {
        const asap::Network network(example.input, example.layers, loss, *table);
        const auto batch = random_batch<float>(33, example.input.size(), network.num_outputs(), 1);
        const auto data = dataset(batch, example.input);
        const asap::NetworkObjective objective(network, data);
        const auto theta = random_parameters(network.parameters(), 1);
        const auto indices = all_indices(33);
        std::vector<float> gradient(theta.size()), outputs(33 * network.num_outputs());
        const auto workspace = objective.workspace(33);
        const int before = allocations;
        for (const std::size_t samples : {1, 16, 33}) {
          const asap::Batch part{0, std::span(indices).first(samples)};
          objective.gradient(theta.data(), part, workspace.get(), gradient.data());
          objective.evaluate(theta.data(), part, workspace.get());
          network.predict(theta.data(), data.inputs, part.samples, *workspace, outputs.data());
        }
        CHECK_EQUAL(allocations - before, 0);
        CHECK(before > 0);
      }
}
