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
std::vector<Histogram> recounted(const std::vector<TraceRecord>& records, std::size_t workers,
                                 std::initializer_list<Outcome> outcomes) {
  const std::vector<Version> versions = publications(records);
  const auto place = [&](Version version) { return std::lower_bound(versions.begin(), versions.end(), version); };
  std::vector<Histogram> histograms(workers);
  for (const TraceRecord& record : records) {
    if (std::find(outcomes.begin(), outcomes.end(), record.outcome) == outcomes.end()) continue;
    const auto tau = static_cast<std::size_t>(place(record.replaced) - place(record.read));
    const std::size_t bin = std::min(tau, kTauBins - 1);
    Histogram& histogram = histograms[record.worker];
    histogram.resize(std::max(histogram.size(), bin + 1));
    ++histogram[bin];
  }
  return histograms;
}

struct Sums {
  Counts counts;
  std::size_t histograms = 0, differ = 0;

  void compare(const std::vector<Distribution>& found, const std::vector<Histogram>& expected) {
    for (std::size_t w = 0; w < found.size(); ++w) {
      const auto bins = found[w].counts();
      differ += !std::equal(bins.begin(), bins.end(), expected[w].begin(), expected[w].end());
    }
    histograms += found.size();
  }
  Verdict verdict() const {
    return {differ == 0, text(counts.published, " updates, mean tau ", counts.mean_tau(), ", ", counts.rejected,
                              " rejections, ", differ, " of ", histograms, " histograms differ")};
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
  sums.counts += finished.counts;
  sums.compare(finished.staleness, recounted(trace.records, workers, {Outcome::published, Outcome::gathered}));
  sums.compare(finished.rejections, recounted(trace.records, workers, {Outcome::rejected}));
}

Verdict of_engine(const engine::Engine& engine, std::uint64_t gradients) {
  Sums sums;
  for (const std::size_t workers : {2, 8, 64})
    add(sums, engine, workers, gradients / gradients_per_update(engine, workers), [](auto&) {});
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
  for (const auto& [name, engine] : every_engine())
    passed &= report(text("tau, ", name), of_engine(engine, form.pick(500'000, 50'000)));
  passed &= report_planted("a record that is missing", of_tampered([](auto& records) { records.pop_back(); }));
  passed &= report_planted("a tau that is off by one", of_tampered([](auto& records) {
                             const auto later = [](const TraceRecord& record) { return record.read > 0; };
                             --std::find_if(records.begin(), records.end(), later)->read;
                           }));
  return passed;
}

}  // namespace stress
