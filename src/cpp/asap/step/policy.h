// Policies: from the staleness distribution of this execution to the scale table C.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "asap/staleness/distribution.h"
#include "asap/step/scale_table.h"

namespace asap {

/// What a policy may know besides the distribution.
struct StepContext {
  std::size_t workers = 1;  ///< m
  double rate = 0;          ///< η at this update
  Version version = 0;      ///< number of the update from which the table will hold
};

/// A window of updates, counted per worker: the updates numbered first·m … last·m − 1.
struct SampleWindow {
  std::uint64_t first = 0, last = 0;
};

/// Throws std::invalid_argument unless first < last.
void check(const SampleWindow& sample);

/// A pure function (distribution, context) → C, and when to call it. It is called once before the run with an empty
/// distribution; with a window once more, with the distribution of the updates in it (published and rejected ones), as
/// soon as they are complete, while the workers run.
struct Policy {
  std::string name;
  std::function<ScaleTable(const Distribution&, const StepContext&)> table;
  std::optional<SampleWindow> sample;
};

namespace policy {

/// C(τ) = 1: plain AsyncSGD.
Policy constant();
/// C(τ) = 1/τ, C(0) = 1 (Zhang et al. 2016).
Policy inverse();
/// C(τ) = 1/(τ + 1).
Policy inverse_plus_one();
/// C(τ) = e^(−βτ), β = (2/T)·ln(1 + T/2) (Damaskinos et al. 2020). Without a given T it is m + 1 until the window is
/// complete, then the window's 99.7th percentile of τ (at least 1).
Policy fleet(std::optional<double> threshold, SampleWindow sample);
/// C(τ) = 1 + A·(1 − 2F(τ)), A in [0, 1] (Bäckström, Papatriantafilou, Tsigas 2022). C = 1 until the window is
/// complete; beyond the largest τ seen F = 1.
Policy tail_tau(double amplitude, Cdf cdf, SampleWindow sample);
/// A fixed table.
Policy fixed(std::vector<double> entries);

}  // namespace policy

}  // namespace asap
