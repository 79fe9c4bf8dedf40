// A number of updates of one worker, for guard.py to count their instructions. The worker's loop is turned by hand: a
// coordinator looks at the parameters once a second, and how often that is during a run depends on the machine's load.
//
// usage: hot_path mlp|lenet <engine> <batch size> <updates>      engine: sequential, synchronous, locked, hogwild, …
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <string>
#include <vector>

#include "asap/model/network.h"
#include "asap/train/make_store.h"
#include "asap/train/worker.h"

namespace {

using namespace asap;

const std::map<std::string, std::vector<Layer>> kModels{
    {"mlp", {Dense{128}, Relu{}, Dense{128}, Relu{}, Dense{128}, Relu{}, Dense{10}}},
    {"lenet",
     {Conv2d{6, 5}, Relu{}, MaxPool2d{2}, Conv2d{16, 5}, Relu{}, MaxPool2d{2}, Dense{120}, Relu{}, Dense{10}}}};

const std::map<std::string, engine::Engine> kEngines{
    {"sequential", engine::Sequential{}}, {"synchronous", engine::Synchronous{}},    {"locked", engine::Locked{}},
    {"hogwild", engine::Hogwild{}},       {"hogwild-fused", engine::FusedHogwild{}}, {"leashed", engine::Leashed{}}};

/// Images of noise in MNIST's shape, in ten classes.
struct Noise {
  Noise() : pixels(kSamples * 784), labels(kSamples) {
    for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * 2654435761u >> 24);
    for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<std::int32_t>(i % 10);
  }
  Dataset view() const {
    return {.inputs = {reinterpret_cast<const std::byte*>(pixels.data()),
                       ElementType::uint8,
                       kSamples,
                       {1, 28, 28},
                       784,
                       784,
                       28,
                       1},
            .labels = labels,
            .targets = {}};
  }
  static constexpr std::size_t kSamples = 1024;
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
};

void run(const std::string& model, const std::string& engine, std::size_t batch_size, std::uint64_t updates) {
  const Noise noise;
  const Dataset data = noise.view();
  const Network network({1, 28, 28}, kModels.at(model), Loss::softmax_cross_entropy);
  const NetworkObjective objective(network, data);
  std::vector<float> theta(network.num_parameters());
  network.initialise(Initialiser::he, 1, theta);
  const TrainOptions options{
      .engine = kEngines.at(engine), .batch_size = batch_size, .updates = updates, .rate = Rate::constant(0.01)};
  RunState state(objective, options);
  std::visit(
      [&](const auto& kind) {
        auto store = make_store(kind, StateLayout(theta.size()), 1, theta);
        Worker worker(state, store, 0);
        worker.run();
        worker.leave();
      },
      options.engine);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return std::fprintf(stderr, "usage: hot_path mlp|lenet <engine> <batch size> <updates>\n"), 2;
  try {
    run(argv[1], argv[2], std::stoul(argv[3]), std::stoul(argv[4]));
  } catch (const std::exception& error) {
    return std::fprintf(stderr, "hot_path: %s\n", error.what()), 2;
  }
}
