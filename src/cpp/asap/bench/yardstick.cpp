#include "asap/bench/yardstick.h"

#include <algorithm>
#include <cstring>

namespace asap::bench {
namespace {

using kernels::Streams;

constexpr std::size_t kTrials = 3;
constexpr double kTrialSeconds = 0.002;

constexpr std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

bool is_copy(const Pass& pass) { return pass.mix.reads == 1 && pass.mix.updates == 0 && pass.mix.writes == 1; }

/// The compiler may neither leave out a copy that nobody looks at nor move it.
void touch_memory() { asm volatile("" ::: "memory"); }

#if defined(__x86_64__)
void string_move(void* to, const void* from, std::size_t bytes) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes)::"memory");
}
#endif

}  // namespace

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

double fma_peak(const kernels::Table& table, double seconds) {
  constexpr std::size_t kRounds = 1000;
  volatile float start = 0.5f, sink = 0;
  const double per_call = seconds_per_call([&] { sink = table.multiply_add(kRounds, start); }, seconds);
  return static_cast<double>(table.multiply_add_flops * kRounds) / per_call * 1e-9;
}

// The arrays lie in one piece of memory, each a line and a bit behind a page from the one before: equal offsets within
// pages would make loads wait for stores that they have nothing to do with.
BestPasses::BestPasses(const Work& work) : n_(round_up(work.floats, Streams::kMultiple)) {
  constexpr std::size_t kPage = 4096 / sizeof(float), kLine = kCacheLine / sizeof(float);
  const std::size_t stride = round_up(n_, kPage) + 5 * kLine;
  memory_ = AlignedBuffer<float>(stride * work.num_arrays());
  std::ranges::fill(memory_.span(), 1.0f);
  for (const Pass& pass : work.passes) {
    auto& pointers = arrays_.emplace_back();
    for (const std::size_t array : pass.arrays) pointers.push_back(memory_.data() + array * stride);
  }
  double least = 0;
  for (Loop& loop : loops(work)) {
    std::vector<double> trials;
    for (std::size_t i = 0; i < kTrials; ++i) trials.push_back(seconds_per_call(loop, kTrialSeconds));
    if (const double time = median(trials); !best_ || time < least) best_ = loop, least = time;
  }
}

double BestPasses::seconds(double seconds) const { return seconds_per_call(best_, seconds); }

std::vector<BestPasses::Loop> BestPasses::loops(const Work& work) const {
  std::vector<Loop> loops;
  for (const kernels::Table* table : kernels::available())
    for (std::size_t form = 0; form < Streams::kForms; ++form)
      loops.push_back([this, table, form, passes = work.passes] {
        for (std::size_t i = 0; i < passes.size(); ++i)
          table->stream({.mix = passes[i].mix, .n = n_, .arrays = arrays_[i].data(), .form = form});
      });
  if (!std::ranges::all_of(work.passes, is_copy)) return loops;
  loops.push_back([this] {
    for (const auto& pair : arrays_) std::memcpy(pair[1], pair[0], n_ * sizeof(float)), touch_memory();
  });
#if defined(__x86_64__)
  loops.push_back([this] {
    for (const auto& pair : arrays_) string_move(pair[1], pair[0], n_ * sizeof(float));
  });
#endif
  return loops;
}

}  // namespace asap::bench
