// The histograms of τ are those of the trace, in which τ is counted anew: the updates that took their places in the
// order between the version that a gradient was computed on and its own.
#include <algorithm>

#include "asap/step/policy.h"
#include "checks.h"
#include "objectives.h"
#include "runs.h"

namespace stress {
namespace {

constexpr std::size_t kParameters = 50;

std::vector<NamedEngine> engines() {
  std::vector<NamedEngine> all{{"synchronous", engine::Synchronous{}},
                               {"locked", engine::Locked{}},
                               {"hogwild", engine::Hogwild{}},
                               {"hogwild fused", engine::FusedHogwild{}}};
  all.insert(all.end(), kLeashed.begin(), kLeashed.end());
  return all;
}

using Histogram = std::vector<std::uint64_t>;

/// The places of all updates in their order.
std::vector<Version> publications(const std::vector<TraceRecord>& records) {
  std::vector<Version> versions;
  for (const TraceRecord& record : records)
    if (record.outcome == Outcome::published) versions.push_back(record.replaced);
  std::sort(versions.begin(), versions.end());
  return versions;
}

/// Per worker, of the gradients that ended so.
std::vector<Histogram> recounted(const std::vector<TraceRecord>& records, std::size_t workers, Outcome outcome) {
  const std::vector<Version> versions = publications(records);
  const auto place = [&](Version version) { return std::lower_bound(versions.begin(), versions.end(), version); };
  std::vector<Histogram> histograms(workers);
  for (const TraceRecord& record : records) {
    if (record.outcome != outcome) continue;
    const auto tau = static_cast<std::size_t>(place(record.replaced) - place(record.read));
    const std::size_t bin = std::min(tau, kTauBins - 1);
    Histogram& histogram = histograms[record.worker];
    histogram.resize(std::max(histogram.size(), bin + 1));
    ++histogram[bin];
  }
  return histograms;
}

struct Sums {
  std::uint64_t updates = 0, rejections = 0, taus = 0;
  std::size_t histograms = 0, differ = 0;

  void compare(const std::vector<Distribution>& found, const std::vector<Histogram>& expected) {
    for (std::size_t w = 0; w < found.size(); ++w) {
      const auto counts = found[w].counts();
      differ += !std::equal(counts.begin(), counts.end(), expected[w].begin(), expected[w].end());
    }
    histograms += found.size();
  }
  Verdict verdict() const {
    return {differ == 0, text(updates, " updates, mean tau ", static_cast<double>(taus) / static_cast<double>(updates),
                              ", ", rejections, " rejections, ", differ, " of ", histograms, " histograms differ")};
  }
};

/// `tamper` is given the records before they are counted.
template <class Tamper>
void add(Sums& sums, const engine::Engine& engine, std::size_t workers, std::uint64_t updates, Tamper tamper) {
  const Integers objective(kParameters, 1);
  const Interruptions interruptions;
  TraceMemory trace;
  const TrainOptions options{.engine = engine,
                             .workers = workers,
                             .batch_size = 1,
                             .updates = updates,
                             .rate = Rate::constant(1.0),
                             .policy = policy::fixed({1.0, 1.0, 1.0, 0.0, 1.0}),
                             .trace = &trace};
  const Finished finished =
      with_store(options, kParameters, [&](auto& store) { return run(store, objective, options); });
  tamper(trace.records);
  sums.updates += finished.counts.published;
  sums.rejections += finished.counts.rejected;
  sums.taus += finished.counts.tau_sum;
  sums.compare(finished.staleness, recounted(trace.records, workers, Outcome::published));
  sums.compare(finished.rejections, recounted(trace.records, workers, Outcome::rejected));
}

Verdict of_engine(const engine::Engine& engine, std::uint64_t gradients) {
  Sums sums;
  const bool rounds = std::holds_alternative<engine::Synchronous>(engine);
  for (const std::size_t workers : {2, 8, 64})
    add(sums, engine, workers, rounds ? gradients / workers : gradients, [](auto&) {});
  return sums.verdict();
}

template <class Tamper>
Verdict of_tampered(Tamper tamper) {
  Sums sums;
  add(sums, engine::Locked{}, 8, 10'000, tamper);
  return sums.verdict();
}

}  // namespace

bool check_staleness(const Form& form) {
  bool passed = true;
  for (const auto& [name, engine] : engines())
    passed &= report(text("tau, ", name), of_engine(engine, form.pick(500'000, 50'000)));
  passed &= report_planted("a record that is missing", of_tampered([](auto& records) { records.pop_back(); }));
  passed &= report_planted("a tau that is off by one", of_tampered([](auto& records) {
                             const auto later = [](const TraceRecord& record) { return record.read > 0; };
                             --std::find_if(records.begin(), records.end(), later)->read;
                           }));
  return passed;
}

}  // namespace stress
