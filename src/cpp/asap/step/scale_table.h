// The staleness scale C as a table, and the switch that changes it under running workers.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "asap/core/concurrency.h"
#include "asap/core/error.h"
#include "asap/core/types.h"

namespace asap {

/// C(τ) for τ = 0 … K; entry K serves every τ ≥ K. C(τ) = 0 rejects the update. Immutable; thread-safe.
class ScaleTable {
 public:
  static constexpr Tau kEverywhere = std::numeric_limits<Tau>::max();

  /// Beyond `reach` the policy would have had other entries, had it been asked to go on.
  /// Throws std::invalid_argument unless there is an entry and all are finite and ≥ 0.
  explicit ScaleTable(std::vector<double> entries, Tau reach = kEverywhere)
      : entries_(std::move(entries)), reach_(reach) {
    if (entries_.empty()) invalid_argument("a scale table must have at least one entry, C(0); got none");
    for (std::size_t tau = 0; tau < entries_.size(); ++tau)
      if (!(entries_[tau] >= 0.0 && entries_[tau] <= std::numeric_limits<double>::max()))
        invalid_argument("scales must be finite and at least 0; got C(", tau, ") = ", entries_[tau]);
  }

  double operator()(Tau tau) const noexcept { return entries_[tau < entries_.size() ? tau : entries_.size() - 1]; }
  const std::vector<double>& entries() const noexcept { return entries_; }
  Tau reach() const noexcept { return reach_; }  ///< up to here C(τ) is what its policy means

 private:
  std::vector<double> entries_;
  Tau reach_;
};

/// Hands the current table to workers and frees a replaced one when no worker can hold it any more.
///
/// Each worker passes a quiescent point (`acquire`) at the top of every update and keeps the table it gets there for
/// that update only. Table g (generation g) may go once every worker has been at a quiescent point of a generation
/// above g. Progress: `acquire` is wait-free; `replace` never waits, it leaves what is still in use for the next call.
class TableSwitch {
 public:
  class Reader {
    friend class TableSwitch;
    alignas(kCacheLine) Atomic<std::uint64_t> seen_{0};
  };

  TableSwitch(std::size_t workers, ScaleTable first) : readers_(workers) { publish(std::move(first)); }

  Reader& reader(std::size_t worker) { return readers_[worker]; }

  /// The table for the update that begins now.
  const ScaleTable& acquire(Reader& reader) noexcept {
    // (1) acquire: pairs with the release in (4): whoever sees generation g sees the table pointer of g or later.
    // (2) release: pairs with the acquire in (5): the reads of the previous table come before this mark.
    reader.seen_.store(generation_.load(std::memory_order_acquire), std::memory_order_release);
    return *current_.load(std::memory_order_acquire);  // pairs with (3): the entries are complete
  }

  /// The worker needs no table any more. release: pairs with (5), as (2) does.
  void release(Reader& reader) noexcept { reader.seen_.store(kGone, std::memory_order_release); }

  /// Makes `next` the current table. One caller at a time.
  void replace(ScaleTable next) {
    publish(std::move(next));
    reclaim();
  }

  std::size_t num_kept() const { return tables_.size(); }  ///< tables not yet freed, for the caller of `replace`
  const ScaleTable& current() const { return *tables_.back().table; }  ///< for the caller of `replace`

 private:
  static constexpr std::uint64_t kGone = std::numeric_limits<std::uint64_t>::max();
  struct Owned {
    std::uint64_t generation;
    std::unique_ptr<const ScaleTable> table;
  };

  void publish(ScaleTable table) {
    const std::uint64_t generation = generation_.load(std::memory_order_relaxed) + 1;
    tables_.push_back({generation, std::make_unique<const ScaleTable>(std::move(table))});
    current_.store(tables_.back().table.get(), std::memory_order_release);  // (3) pairs with acquire()'s load of it
    generation_.store(generation, std::memory_order_release);               // (4) pairs with (1)
  }

  void reclaim() {
    std::uint64_t oldest = tables_.back().generation;
    for (const Reader& reader : readers_) {
      const std::uint64_t seen = reader.seen_.load(std::memory_order_acquire);  // (5) pairs with (2)
      oldest = seen < oldest ? seen : oldest;
    }
    std::erase_if(tables_, [&](const Owned& owned) { return owned.generation < oldest; });
  }

  std::vector<Reader> readers_;
  std::vector<Owned> tables_;  // only the caller of `replace` touches it
  alignas(kCacheLine) Atomic<const ScaleTable*> current_{nullptr};
  Atomic<std::uint64_t> generation_{0};
};

}  // namespace asap
