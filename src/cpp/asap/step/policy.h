// Policies: from the staleness distribution of this execution to the scale table C.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "asap/staleness/distribution.h"
#include "asap/step/scale_table.h"

namespace asap {

/// What a policy may know besides the distribution.
struct StepContext {
  std::size_t workers = 1;  ///< m
  double rate = 0;          ///< η at this update
  Version version = 0;      ///< number of the update from which the table will hold
  Tau reach = 0;            ///< τ that was met: the table must follow its formula at least up to there
};

/// A window of updates, counted per worker: the updates numbered first·m … last·m − 1.
struct SampleWindow {
  static constexpr std::uint64_t kEndless = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t first = 0, last = 0;
  bool contains(Version version) const { return version >= first && version < last; }
  bool is_endless() const { return last == kEndless; }
};

/// All updates, those of long ago counting less (staleness/forgetting.h). Lengths are in updates per worker, published
/// or rejected.
struct OnlineSample {
  double every = 50;       ///< from one table to the next
  double half_life = 100;  ///< after as many an update weighs half
};

/// Which updates a policy makes tables of.
using Sample = std::variant<SampleWindow, OnlineSample>;

/// Throws std::invalid_argument unless first < last, or every and half_life are above 0 and at most 10⁶.
void check(const Sample& sample);

/// A pure function (distribution, context) → C, and when to call it. It is called once before the run with an empty
/// distribution; with a sample again while the workers run, with the distribution of published and rejected updates:
/// once as soon as those of a window are complete, or, online, again and again (step/adaptation.h). It is called with
/// the same distribution again where m changes and is in its formula, or where its table ended too early.
struct Policy {
  std::string name;
  std::function<ScaleTable(const Distribution&, const StepContext&)> table;
  std::optional<Sample> sample;
  bool knows_workers = false;  ///< whether m is in its formula
};

namespace policy {

// --- functions of τ alone (step/closed_forms.cpp)

/// C(τ) = 1: plain AsyncSGD.
Policy constant();
/// C(τ) = 1/τ, C(0) = 1 (Zhang et al. 2016).
Policy inverse();
/// C(τ) = 1/(τ + 1).
Policy inverse_plus_one();
/// C(τ) = (τ + 1)^−a, a ≥ 0 (Xie et al. 2019; a = ½: Nguyen et al. 2022).
Policy power(double exponent);
/// C(τ) = 1 for τ ≤ b, else 1/(a(τ − b) + 1), a ≥ 0 (Xie et al. 2019).
Policy hinge(double slope, Tau grace);
/// C(τ) = e^(−βτ), β ≥ 0 (Chan and Lane 2014).
Policy exponential(double decay);
/// C(τ) = min(1, m/τ) with m workers (Mishchenko et al. 2022).
Policy delay_adaptive();
/// C(τ) = 1 for τ ≤ τ_C, by default m; beyond it min(1, 1/(4Lητ)), or 0 without L (Koloskova et al. 2022). η is the
/// rate when the table is made.
Policy threshold(std::optional<Tau> critical, std::optional<double> smoothness);
/// C(τ) = 1 for τ < R, else 0 (Maranjyan et al. 2025).
Policy ringmaster(Tau limit);
/// A fixed table.
Policy fixed(std::vector<double> entries);

// --- functions of the distribution of this execution (step/instance_based.cpp)

/// C(τ) = e^(−βτ), β = (2/T)·ln(1 + T/2) (Damaskinos et al. 2020). Without a given T it is m + 1 until there is
/// a sample, then that one's 99.7th percentile of τ (at least 1).
Policy fleet(std::optional<double> threshold, Sample sample);
/// C(τ) = 1 + A·(1 − 2F(τ)), A in [0, 1] (Bäckström, Papatriantafilou, Tsigas 2022). C = 1 until there is a
/// sample; beyond the largest τ seen F = 1.
Policy tail_tau(double amplitude, Cdf cdf, Sample sample);

/// Laws of τ: geometric p ∝ q^τ, Poisson p ∝ λ^τ/τ!, Conway–Maxwell–Poisson p ∝ λ^τ/(τ!)^ν.
enum class Law { geometric, poisson, conway_maxwell_poisson };

/// C ∝ 1/p(τ) of the law that is likeliest to give the sample's τ, but for its constant factors: q^−τ, λ^−τ τ! or
/// λ^−τ (τ!)^ν; at most `cap`, and 0 for τ > `last` (Bäckström et al. 2019). The factor keeps the mean there, E[C] = 1,
/// with what is capped and cut, unless that cannot be: then C = `cap` up to `last`. C = 1 until there is a sample; when
/// called, throws std::invalid_argument where all of it is beyond `last`.
Policy mind_the_step(Law law, double cap, Tau last, Sample sample);

// --- policies of policies (step/composed.cpp)

/// C / E[C] of another policy, on the distribution of its sample, or of this one when it has none; C = 1 until there
/// is one. Throws std::invalid_argument, when called, where E[C] is 0.
Policy normalised(Policy policy, Sample sample);
/// Another policy's C, not below `least` and not above `most`.
Policy clipped(Policy policy, double least, double most);

}  // namespace policy

}  // namespace asap
