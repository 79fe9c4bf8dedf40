// Matrix products and convolutions over many sizes: performance may fall off gently, never by a cliff. Each series
// changes one size; at the end the neighbours whose shares of the peak differ by more than a third are listed.
#include <algorithm>
#include <cstdio>
#include <map>

#include "asap/bench/cases.h"
#include "program.h"

namespace {

using asap::kernels::Convolution;
using asap::kernels::Gemm;
using bench::Cases;
using bench::Results;

constexpr double kCliff = 2.0 / 3;
constexpr std::size_t kWidths[] = {16,  17,  24,  31,  32,  33,  48,  49,  63,  64,   65,   96,
                                   100, 127, 128, 129, 160, 200, 255, 256, 257, 320,  384,  400,
                                   500, 512, 513, 640, 767, 768, 784, 896, 999, 1000, 1023, 1024};
constexpr std::size_t kBatches[] = {1,  2,  3,  4,  5,  6,  8,  10,  12,  15,  16,  17,  20,
                                    24, 31, 32, 33, 48, 50, 64, 100, 128, 200, 256, 400, 512};
constexpr std::size_t kFilters[] = {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64};
constexpr std::size_t kExtents[] = {12, 14, 16, 20, 24, 28, 32, 40, 48, 64};
constexpr std::size_t kSamples = 32;

/// Cases, and series of their names, in which one size grows. A case may be in several series.
struct Sweep {
  Cases cases;
  std::map<std::string, std::vector<std::string>> series;

  void add(const std::string& name, const bench::Case& each) {
    const auto is_same = [&](const bench::Case& other) { return other.name == each.name; };
    if (std::ranges::none_of(cases, is_same)) cases.push_back(each);
    series[name].push_back(each.name);
  }
};

/// The three products of a dense layer.
void add_dense(Sweep& sweep, const std::string& series, std::size_t batch, std::size_t inputs, std::size_t outputs) {
  sweep.add(series + " NN", asap::bench::gemm({.m = batch, .n = outputs, .k = inputs}));
  sweep.add(series + " NT", asap::bench::gemm({.transpose_b = true, .m = batch, .n = inputs, .k = outputs}));
  sweep.add(series + " TN", asap::bench::gemm({.transpose_a = true, .m = inputs, .n = outputs, .k = batch}));
}

void add_convolution(Sweep& sweep, const std::string& series, const Convolution& c) {
  for (const bench::Case& each : asap::bench::convolution(c, kSamples)) {
    const std::size_t batch = each.name.find(" b="), kernel = each.name.find(' ', batch + 1);
    sweep.add(series + each.name.substr(kernel), each);
  }
}

Sweep sweep() {
  Sweep sweep;
  for (const std::size_t width : kWidths) add_dense(sweep, "outputs", 64, 128, width);
  for (const std::size_t width : kWidths) add_dense(sweep, "inputs", 64, width, 128);
  for (const std::size_t width : kWidths) add_dense(sweep, "square", 100, width, width);
  for (const std::size_t batch : kBatches) add_dense(sweep, "batch 128 to 128", batch, 128, 128);
  for (const std::size_t batch : kBatches) add_dense(sweep, "batch 784 to 128", batch, 784, 128);
  for (const std::size_t batch : kBatches) add_dense(sweep, "batch 128 to 10", batch, 128, 10);
  for (const std::size_t window : {3u, 5u, 7u}) {
    const std::string name = " of window " + std::to_string(window);
    for (const std::size_t channels : {1u, 3u})
      for (const std::size_t extent : kExtents)
        add_convolution(sweep, "extent, channels " + std::to_string(channels) + name,
                        {channels, extent, extent, 8, window});
    for (const std::size_t filters : kFilters) add_convolution(sweep, "filters" + name, {3, 32, 32, filters, window});
  }
  return sweep;
}

/// The series as tables (series, case, % of the peak, separated by tabs), then the cliffs.
void conclude(const Sweep& sweep, const Results& results) {
  std::vector<std::string> cliffs;
  for (const auto& [name, members] : sweep.series) {
    const bench::Result* before = nullptr;
    for (const std::string& member : members) {
      const auto found = std::ranges::find(results, member, &bench::Result::name);
      if (found == results.end()) continue;
      std::printf("%s\t%s\t%.1f\n", name.c_str(), member.c_str(), 100 * found->share);
      if (before && std::min(before->share, found->share) < kCliff * std::max(before->share, found->share))
        cliffs.push_back(name + ": " + before->name + " and " + member);
      before = &*found;
    }
  }
  std::printf("\nneighbours that differ by more than a third: %zu\n", cliffs.size());
  for (const std::string& cliff : cliffs) std::printf("  %s\n", cliff.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const Sweep all = sweep();
  return bench::run({.title = "sweep",
                     .cases = all.cases,
                     .effort = {.rounds = 5, .seconds = 0.003},
                     .conclude = [&](const Results& results) { conclude(all, results); }},
                    argc, argv);
}
