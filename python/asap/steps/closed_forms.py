"""Scales that are functions of τ alone: the same table in every run."""

from __future__ import annotations

from dataclasses import dataclass

from asap import _checks, _core
from asap.steps.base import Rated

__all__ = [
    "Constant",
    "DelayAdaptive",
    "Exponential",
    "Hinge",
    "Inverse",
    "InversePlusOne",
    "Power",
    "Ringmaster",
    "Threshold",
]


@dataclass(frozen=True)
class Constant(Rated):
    """C(τ) = 1: plain asynchronous SGD, whatever the staleness, as Downpour SGD has it (Dean et al., NeurIPS 2012).

    Args:
        rate: η, a number above 0 or a schedule.
    """

    def _to_core(self) -> _core.Policy:
        return _core.Policy.constant()


@dataclass(frozen=True)
class Inverse(Rated):
    """C(τ) = 1/τ for τ ≥ 1, and C(0) = 1 (Zhang, Gupta, Lian and Liu, IJCAI 2016).

    C(0) = C(1) = 1, C(2) = 1/2, C(10) = 1/10.

    Args:
        rate: η, a number above 0 or a schedule.
    """

    def _to_core(self) -> _core.Policy:
        return _core.Policy.inverse()


@dataclass(frozen=True)
class InversePlusOne(Rated):
    """C(τ) = 1/(τ + 1), the INVERSE of Bäckström, Papatriantafilou and Tsigas, ICML 2022.

    C(0) = 1, C(1) = 1/2, C(9) = 1/10.

    Args:
        rate: η, a number above 0 or a schedule.
    """

    def _to_core(self) -> _core.Policy:
        return _core.Policy.inverse_plus_one()


@dataclass(frozen=True)
class Power(Rated):
    """C(τ) = (τ + 1)^−a (Xie, Koyejo and Gupta 2019; with a = ½ FedBuff, Nguyen et al., AISTATS 2022).

    C(0) = 1; with a = ½ C(3) = 1/2 and C(8) = 1/3; a = 1 gives InversePlusOne, a = 0 Constant.

    Args:
        rate: η, a number above 0 or a schedule.
        exponent: a ≥ 0.
    """

    exponent: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "exponent", _checks.not_negative("exponent", self.exponent))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.power(self.exponent)


@dataclass(frozen=True)
class Hinge(Rated):
    """C(τ) = 1 for τ ≤ b, else 1/(a·(τ − b) + 1) (Xie, Koyejo and Gupta 2019).

    C(4) = 1 and C(5) = 1/11 with a = 10, b = 4.

    Args:
        rate: η, a number above 0 or a schedule.
        slope: a ≥ 0.
        grace: b ≥ 0, the largest τ that is not dampened.
    """

    slope: float = 10.0
    grace: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "slope", _checks.not_negative("slope", self.slope))
        object.__setattr__(self, "grace", _checks.integer("grace", self.grace, 0))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.hinge(self.slope, self.grace)


@dataclass(frozen=True)
class Exponential(Rated):
    """C(τ) = e^(−βτ) (Chan and Lane, Interspeech 2014).

    C(0) = 1, C(1/β) = 1/e.

    Args:
        rate: η, a number above 0 or a schedule.
        decay: β ≥ 0.
    """

    decay: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "decay", _checks.not_negative("decay", self.decay))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.exponential(self.decay)


@dataclass(frozen=True)
class DelayAdaptive(Rated):
    """C(τ) = min(1, m/τ) with m workers (Mishchenko, Bach, Even and Woodworth, NeurIPS 2022).

    C(m) = 1, C(2m) = 1/2.

    Args:
        rate: η, a number above 0 or a schedule.
    """

    def _to_core(self) -> _core.Policy:
        return _core.Policy.delay_adaptive()


@dataclass(frozen=True)
class Threshold(Rated):
    """C(τ) = 1 for τ ≤ τ_C; beyond it min(1, 1/(4Lητ)), or 0 (Koloskova, Stich and Jaggi, NeurIPS 2022).

    Args:
        rate: η, a number above 0 or a schedule, of which the first value stands in C.
        critical: τ_C ≥ 0; None: m, the number of workers, as in the paper.
        smoothness: L > 0; None rejects what is staler than τ_C.
    """

    critical: int | None = None
    smoothness: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.critical is not None:
            object.__setattr__(self, "critical", _checks.integer("critical", self.critical, 0))
        if self.smoothness is not None:
            object.__setattr__(self, "smoothness", _checks.positive("smoothness", self.smoothness))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.threshold(self.critical, self.smoothness)


@dataclass(frozen=True)
class Ringmaster(Rated):
    """C(τ) = 1 for τ < R; staler updates are rejected (Maranjyan, Tyurin and Richtárik, ICML 2025).

    C(R − 1) = 1, C(R) = 0.

    Args:
        rate: η, a number above 0 or a schedule.
        limit: R ≥ 1.
    """

    limit: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "limit", _checks.integer("limit", self.limit, 1))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.ringmaster(self.limit)
