// How the scale follows an execution: from the staleness counted so far to the table in force, and when another is due.
//
// Whoever drives an execution, in real time or a virtual one, counts the τ of the updates numbered within window(),
// published and rejected ones, and the progress towards the next table; and asks after updates, or now and then:
//
//   asap::Adaptation adaptation(policy, {.workers = m, .rate = rate});
//   ... adaptation.table() is C for the first updates; then, with `counted` a TauHistogram and `progress` a number:
//   if (adaptation.window().contains(receipt.replaced)) counted.add(receipt.tau()), progress += ...
//   if (adaptation.is_due(progress)) adaptation.refresh(version, progress, counted.distribution());
//   ... adaptation.table() is another one
//
// Progress is made by each update published in the window. Where that is endless a rejected gradient makes it as well:
// a table that rejects all it meets would else stay for ever. A window with an end is complete by its updates alone.
#pragma once

#include <optional>

#include "asap/step/policy.h"
#include "asap/step/rate.h"
#include "asap/step/table_log.h"

namespace asap {

/// The execution that a policy is used in.
struct Execution {
  std::size_t workers = 1;                              ///< m, at the beginning
  Rate rate = Rate::constant(1.0);                      ///< η
  std::optional<std::uint64_t> updates = std::nullopt;  ///< published ones that it is to end after, if any
};

/// What an adaptation knows, to be kept and gone on from. Memory: bounded, whatever the length of the execution.
struct AdaptationState {
  Version from = 0;            ///< where the policy's sample begins to count
  std::uint64_t progress = 0;  ///< at the last refresh; 0: there was none
  Distribution counted;        ///< τ counted then, of published and rejected updates
  TableLog log;                ///< its last table is in force
};

/// Thread-safety: one thread. It does not know how updates are made, nor who counts them.
class Adaptation {
 public:
  static constexpr std::uint64_t kNever = SampleWindow::kEndless;

  /// Begins at version `from`, with the table that the policy gives without a distribution, behind the tables in `log`.
  Adaptation(Policy policy, Execution execution, Version from = 0, TableLog log = {});

  /// Goes on from what another one knew. Of its table only the entries are known: whether the policy goes on behind
  /// them is asked when that is needed.
  Adaptation(Policy policy, Execution execution, AdaptationState before);

  /// The updates whose τ count, by their numbers; empty where the policy needs none.
  SampleWindow window() const;

  /// Whether the next table can be made.
  bool is_due(std::uint64_t progress) const { return progress >= due(); }

  /// The progress still to be made until then, or kNever: before as many further gradients it is no use to ask.
  std::uint64_t remaining(std::uint64_t progress) const;

  /// Makes the next table of what was counted in window(), and puts it in force from version `now` on (or from later,
  /// that the one before has a version of its own). `now` is behind all updates counted. Passes on what the policy
  /// throws; throws std::invalid_argument when the table rejects fresh gradients (C(0) = 0), so that no update might
  /// ever be published again, and the execution is to end after a number of updates.
  void refresh(Version now, std::uint64_t progress, const Distribution& counted);

  /// There are so many workers from version `now` on: where that is in the policy's formula, another table is in force
  /// at once, made of what the one before was. A sample's lengths stay as they were. Throws as refresh() does.
  void resize(std::size_t workers, Version now);

  /// The table in force.
  const ScaleTable& table() const { return table_; }

  /// C(τ), with a longer table in force where this one ends too early. For whoever looks up alone.
  double scale(Tau tau) {
    if (tau > table_.reach()) lengthen(tau);
    return table_(tau);
  }

  const AdaptationState& state() const { return state_; }

 private:
  StepContext context_at(Version version) const;
  std::uint64_t due() const;
  Version next_version(Version at_least) const;
  void make_table(Version now, const Distribution& seen);
  void lengthen(Tau tau);

  const Policy policy_;
  const Execution execution_;
  AdaptationState state_;
  StepContext context_;  ///< of the table in force
  ScaleTable table_{{1.0}};
};

}  // namespace asap
