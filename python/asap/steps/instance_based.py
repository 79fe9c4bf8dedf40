"""Scales that come from the staleness of the run that they are used in."""

from __future__ import annotations

from dataclasses import dataclass

from asap import _checks, _core
from asap.staleness import FORMS
from asap.steps import sample as samples
from asap.steps.base import Rated
from asap.steps.sample import SAMPLE, Sample

__all__ = ["FLeet", "MindTheStep", "TailTau"]

LAWS = ("geometric", "poisson", "conway-maxwell-poisson")


@dataclass(frozen=True)
class FLeet(Rated):
    """C(τ) = e^(−βτ) with β = (2/T) · ln(1 + T/2) (Damaskinos et al., Middleware 2020).

    C(0) = 1, and C(T/2) = 1/(1 + T/2), where the curve meets that of InversePlusOne.

    Args:
        rate: η, a number above 0 or a schedule.
        threshold: T > 0. None: m + 1 until there is a sample, then the 99.7th percentile of τ in it, at least 1.
        sample: (first, last), a window in updates per worker, or `asap.Online()`; not used with a given threshold.
    """

    threshold: float | None = None
    sample: Sample = SAMPLE

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold is not None:
            object.__setattr__(self, "threshold", _checks.positive("threshold", self.threshold))
        object.__setattr__(self, "sample", samples.checked(self.sample))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.fleet(self.threshold, samples.to_core(self.sample))


@dataclass(frozen=True)
class TailTau(Rated):
    """TAIL-τ: C(τ) = 1 + A · (1 − 2 F(τ)) (Bäckström, Papatriantafilou and Tsigas, ICML 2022).

    F is the distribution function of τ in this very execution: fresh gradients weigh up to 1 + A, the stalest 1 − A.
    With F in its mid form, F(τ−1) + p(τ)/2, the mean E[C] is exactly 1, so that the overall step is kept; the inclusive
    form Pr[τ' ≤ τ] of the paper gives 1 − A·Σp², the exclusive form Pr[τ' < τ] 1 + A·Σp².

    C = 1 until there is a sample, and C = 1 − A beyond the largest τ in it; A = 1 rejects such updates.

    Args:
        rate: η, a number above 0 or a schedule.
        amplitude: A in [0, 1]; 0 gives Constant.
        cdf: "mid", "inclusive" or "exclusive", the form of F.
        sample: (first, last), a window in updates per worker, or `asap.Online()`: again and again, of all updates.
    """

    amplitude: float = 1.0
    cdf: str = "mid"
    sample: Sample = SAMPLE

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "amplitude", _checks.share("amplitude", self.amplitude))
        _checks.choice("cdf", self.cdf, FORMS)
        object.__setattr__(self, "sample", samples.checked(self.sample))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.tail_tau(self.amplitude, self.cdf, samples.to_core(self.sample))


@dataclass(frozen=True)
class MindTheStep(Rated):
    """C ∝ 1/p(τ) of a law fitted to this very execution (Bäckström, Papatriantafilou and Tsigas, BigData 2019).

    The law is the likeliest of its kind in the sample, without its constant factor:

    =========================  ===========  ================================
    geometric                  C ∝ q^−τ     q = τ̄/(1 + τ̄)
    poisson                    λ^−τ · τ!    λ = τ̄
    conway-maxwell-poisson     λ^−τ (τ!)^ν  E[τ] and E[log τ!] are those seen
    =========================  ===========  ================================

    C is at most `cap`, and 0 beyond `last`, with the factor that makes E[C] = 1 over the sample all the same. (As
    published it was divided by its mean before it was capped: one outlier of τ could take all the weight.) C = 1 until
    the window is complete; a ValueError ends a run all of whose sample is beyond `last`. Where the law falls with τ,
    staler updates weigh more: `asap.framework.check` says from where.

    Args:
        rate: η, a number above 0 or a schedule.
        law: one of the three.
        cap: the largest C, above 0.
        last: the largest τ that is not rejected.
        sample: (first, last), a window in updates per worker, or `asap.Online()`: again and again, of all updates.
    """

    law: str = "geometric"
    cap: float = 5.0
    last: int = 150
    sample: Sample = SAMPLE

    def __post_init__(self) -> None:
        super().__post_init__()
        _checks.choice("law", self.law, LAWS)
        object.__setattr__(self, "cap", _checks.positive("cap", self.cap))
        object.__setattr__(self, "last", _checks.integer("last", self.last, 0))
        object.__setattr__(self, "sample", samples.checked(self.sample))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.mind_the_step(self.law, self.cap, self.last, samples.to_core(self.sample))
