// Where the time of an update goes: every stage of the forward and the backward pass by itself, as JSON for
// benchmarks/python/plot_breakdown.py.
//
// usage: breakdown mlp|lenet <batch size>      microseconds: medians over updates; flops: of the parts that multiply
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "asap/data/batch_source.h"
#include "asap/data/gather.h"
#include "asap/model/loss.h"
#include "asap/model/network.h"
#include "asap/model/plan.h"
#include "asap/model/workspace.h"
#include "asap/store/hogwild.h"

namespace {

using namespace asap;

struct Description {
  std::vector<Layer> layers;
  std::vector<std::string> stages;    // what the layers become (model/plan.cpp)
  std::vector<double> multiply_adds;  // of one sample, in a stage's forward pass
};

const std::map<std::string, Description> kNetworks{
    {"mlp",
     {{Dense{128}, Relu{}, Dense{128}, Relu{}, Dense{128}, Relu{}, Dense{10}},
      {"dense 784 to 128", "dense 128 to 128", "dense 128 to 128", "dense 128 to 10"},
      {784 * 128, 128 * 128, 128 * 128, 128 * 10}}},
    {"lenet",
     {{Conv2d{6, 5}, Relu{}, MaxPool2d{2}, Conv2d{16, 5}, Relu{}, MaxPool2d{2}, Dense{120}, Relu{}, Dense{10}},
      {"convolution 1 to 6, pooled", "convolution 6 to 16, pooled", "lanes to rows", "dense 256 to 120",
       "dense 120 to 10"},
      {150 * 24 * 24, 2400 * 8 * 8, 0, 256 * 120, 120 * 10}}}};

/// Images of noise in MNIST's shape, in ten classes.
struct Noise {
  Noise() : pixels(kSamples * 784), labels(kSamples) {
    std::minstd_rand random(1);
    for (auto& pixel : pixels) pixel = static_cast<std::uint8_t>(random() >> 8);
    for (auto& label : labels) label = static_cast<std::int32_t>(random() % 10);
  }
  static constexpr std::size_t kSamples = 60'000;
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
};

/// The parts of an update in the order in which they come, each with the time of every update.
class Parts {
 public:
  void begin() { last_ = Clock::now(); }
  /// The time since the call before belongs to this part.
  void end(const std::string& name, double flops = 0) {
    const auto now = Clock::now();
    auto found = std::find_if(parts_.begin(), parts_.end(), [&](const Part& part) { return part.name == name; });
    if (found == parts_.end()) found = parts_.insert(parts_.end(), {name, flops, {}});
    found->microseconds.push_back(std::chrono::duration<double, std::micro>(now - last_).count());
    last_ = Clock::now();
  }
  void print() {
    const char* separator = "";
    for (Part& part : parts_) {
      const auto middle = part.microseconds.begin() + static_cast<std::ptrdiff_t>(part.microseconds.size() / 2);
      std::nth_element(part.microseconds.begin(), middle, part.microseconds.end());
      std::printf("%s\n  {\"part\": \"%s\", \"microseconds\": %.3f, \"flops\": %.0f}", separator, part.name.c_str(),
                  *middle, part.flops);
      separator = ",";
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Part {
    std::string name;
    double flops;
    std::vector<double> microseconds;
  };
  std::vector<Part> parts_;
  Clock::time_point last_;
};

/// One update of one Hogwild worker, part by part; the batch is one slice.
class Update {
 public:
  Update(const Description& description, std::size_t batch)
      : description_(description),
        batch_(batch),
        network_({1, 28, 28}, description.layers, Loss::softmax_cross_entropy),
        theta_(network_.num_parameters()),
        memory_(network_.fused_workspace(batch)),
        workspace_(static_cast<model::NetworkWorkspace&>(*memory_)),
        indices_(batch),
        next_indices_(batch),
        data_{.inputs = {reinterpret_cast<const std::byte*>(noise_.pixels.data()),
                         ElementType::uint8,
                         Noise::kSamples,
                         {1, 28, 28},
                         784,
                         784,
                         28,
                         1},
              .labels = noise_.labels,
              .targets = {}} {
    network_.initialise(Initialiser::he, 1, theta_);
  }

  void run(HogwildStore& store, HogwildStore::Handle& handle, const StepRule& rule, Parts& parts) {
    const model::Plan& plan = workspace_.plan;
    parts.begin();
    std::swap(indices_, next_indices_);
    batches_.samples(++next_ % (Noise::kSamples / batch_), next_indices_);
    parts.end("order of samples");
    const View view = store.read(handle);
    if (plan.extents[0].layout == model::Layout::lanes)
      gather_lanes(plan.kernels, data_.inputs, indices_, workspace_.activations[0].data());
    else
      gather_rows(data_.inputs, indices_, workspace_.activations[0].data());
    model::gather_truth(data_, indices_, workspace_);
    parts.end("gather");
    prefetch(data_.inputs, next_indices_);
    parts.end("prefetch");
    for (std::size_t i = 0; i < plan.stages.size(); ++i) {
      plan.stages[i]->forward({.samples = batch_,
                               .theta = view.theta,
                               .input = workspace_.activations[i].data(),
                               .output = workspace_.activations[i + 1].data(),
                               .winners = workspace_.winners[i].data(),
                               .scratch = workspace_.scratch.data()});
      parts.end("forward: " + label(i), flops(i));
    }
    model::differentiate_loss(batch_, workspace_, 1.0f / static_cast<float>(batch_));
    parts.end("loss");
    float *d_output = workspace_.d_output.data(), *d_input = workspace_.d_input.data();
    for (std::size_t i = plan.stages.size(); i-- > 0;) {
      plan.stages[i]->backward({.samples = batch_,
                                .theta = view.theta,
                                .input = workspace_.activations[i].data(),
                                .output = workspace_.activations[i + 1].data(),
                                .winners = workspace_.winners[i].data(),
                                .d_output = d_output,
                                .d_input = i > 0 ? d_input : nullptr,
                                .gradient = handle.gradient.data(),
                                .scratch = workspace_.scratch.data()});
      std::swap(d_output, d_input);
      parts.end("backward: " + label(i), i > 0 ? 2 * flops(i) : flops(i));
    }
    store.prepare(handle, rule);
    store.commit(handle);
    parts.end("publish");
  }

  std::span<const float> theta() const { return theta_; }

 private:
  std::string label(std::size_t i) const { return std::to_string(i + 1) + " " + description_.stages[i]; }
  double flops(std::size_t i) const { return 2 * description_.multiply_adds[i] * static_cast<double>(batch_); }

  const Description& description_;
  const std::size_t batch_;
  const Noise noise_;
  const Network network_;
  std::vector<float> theta_;
  const std::unique_ptr<Workspace> memory_;
  model::NetworkWorkspace& workspace_;
  std::vector<std::uint64_t> indices_, next_indices_;
  const Dataset data_;
  const BatchSource batches_{Noise::kSamples, batch_, 1, BatchSource::kUnlimited};
  std::uint64_t next_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const auto found = argc == 3 ? kNetworks.find(argv[1]) : kNetworks.end();
  const std::size_t batch = argc == 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
  if (found == kNetworks.end() || batch == 0)
    return std::fprintf(stderr, "usage: breakdown mlp|lenet <batch size>\n"), 2;
  Update update(found->second, batch);
  HogwildStore store(StateLayout(update.theta().size()), 1, update.theta(), false);
  auto handle = store.handle(0);
  const Rate rate = Rate::constant(0.001);
  const ScaleTable table({1.0});
  Parts parts;
  for (std::size_t i = 0; i < 40'000 / batch; ++i) update.run(store, handle, StepRule(rate, table), parts);
  std::printf("{\"model\": \"%s\", \"batch_size\": %zu, \"isa\": \"%s\", \"parts\": [", argv[1], batch,
              std::string(kernels::active().name).c_str());
  parts.print();
  std::printf("]}\n");
}
