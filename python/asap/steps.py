"""Staleness-adaptive steps: an update of staleness τ advances the parameters by η · C(τ) times its gradient.

A step is a base rate η with a scale C. Before a run, and for some steps again while it runs, C becomes a table
C[0], C[1], …, C[K]; its last entry serves every τ ≥ K, and C(τ) = 0 rejects the update.

    θ ← θ − η · C(τ) · g

Every step takes as `rate` a number η > 0 or a schedule (`asap.StepRate`, `asap.CosineRate`). Windows
`sample=(first, last)` count in updates per worker: with m workers the distribution is taken from updates
first·m … last·m − 1, and the table built from it is swapped in while the workers run.
"""

from __future__ import annotations

import reprlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asap import _checks, _core, rates
from asap.rates import Rate, Span
from asap.staleness import FORMS, StalenessDistribution, as_distribution

__all__ = ["Constant", "Custom", "FLeet", "Inverse", "InversePlusOne", "ScaleTable", "Step", "TailTau"]

SAMPLE = (10, 110)


class ScaleTable(NamedTuple):
    """A scale table and when it came into force.

    Attributes:
        update: number of updates published before it.
        entries: C[0], …, C[K]; the last one serves every τ ≥ K.
    """

    update: int
    entries: NDArray[np.float64]


@dataclass(frozen=True)
class _Step(ABC):
    """What all steps can do."""

    rate: float | Rate

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", rates.checked(self.rate))

    def table(
        self, distribution: StalenessDistribution | ArrayLike | None = None, *, workers: int = 1
    ) -> NDArray[np.float64]:
        """Return the table C[0], …, C[K] that a run would use.

        Args:
            distribution: the staleness distribution, or its counts; None: no update was seen yet.
            workers: m, the number of workers.
        """
        counted = as_distribution(distribution)._core
        rate = rates.as_rate(self.rate).rate
        return self._to_core().table(counted, _checks.integer("workers", workers, 1), rate, 0)

    def rate_at(self, update: int, *, updates_per_epoch: float | None = None, updates: int | None = None) -> float:
        """Return the base rate η at an update; the other arguments are those of schedules."""
        return rates.as_rate(self.rate)(update, updates_per_epoch=updates_per_epoch, updates=updates)

    def _rate_to_core(self, span: Span) -> _core.Rate:
        return rates.as_rate(self.rate)._to_core(span)

    @abstractmethod
    def _to_core(self) -> _core.Policy: ...


@dataclass(frozen=True)
class Constant(_Step):
    """C(τ) = 1: plain asynchronous SGD, whatever the staleness.

    Args:
        rate: η, a number above 0 or a schedule.
    """

    def _to_core(self) -> _core.Policy:
        return _core.Policy.constant()


@dataclass(frozen=True)
class Inverse(_Step):
    """C(τ) = 1/τ for τ ≥ 1, and C(0) = 1 (Zhang, Gupta, Lian and Liu, IJCAI 2016).

    C(0) = C(1) = 1, C(2) = 1/2, C(10) = 1/10.

    Args:
        rate: η, a number above 0 or a schedule.
    """

    def _to_core(self) -> _core.Policy:
        return _core.Policy.inverse()


@dataclass(frozen=True)
class InversePlusOne(_Step):
    """C(τ) = 1/(τ + 1).

    C(0) = 1, C(1) = 1/2, C(9) = 1/10.

    Args:
        rate: η, a number above 0 or a schedule.
    """

    def _to_core(self) -> _core.Policy:
        return _core.Policy.inverse_plus_one()


@dataclass(frozen=True)
class FLeet(_Step):
    """C(τ) = e^(−βτ) with β = (2/T) · ln(1 + T/2) (Damaskinos et al., Middleware 2020).

    C(0) = 1, and C(T/2) = 1/(1 + T/2), where the curve meets that of InversePlusOne.

    Args:
        rate: η, a number above 0 or a schedule.
        threshold: T > 0. None: m + 1 until the window is complete, then the 99.7th percentile of τ in it, at least 1.
        sample: (first, last), the window in updates per worker; not used with a given threshold.
    """

    threshold: float | None = None
    sample: tuple[int, int] = SAMPLE

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold is not None:
            object.__setattr__(self, "threshold", _checks.positive("threshold", self.threshold))
        object.__setattr__(self, "sample", _checks.window("sample", self.sample))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.fleet(self.threshold, self.sample)


@dataclass(frozen=True)
class TailTau(_Step):
    """TAIL-τ: C(τ) = 1 + A · (1 − 2 F(τ)) (Bäckström, Papatriantafilou and Tsigas, ICML 2022).

    F is the distribution function of τ in this very execution: fresh gradients weigh up to 1 + A, the stalest 1 − A.
    With F in its mid form, F(τ−1) + p(τ)/2, the mean E[C] is exactly 1, so that the overall step is kept; the inclusive
    form Pr[τ' ≤ τ] of the paper gives 1 − A·Σp², the exclusive form Pr[τ' < τ] 1 + A·Σp².

    C = 1 until the window is complete, and C = 1 − A beyond the largest τ in it; A = 1 rejects such updates.

    Args:
        rate: η, a number above 0 or a schedule.
        amplitude: A in [0, 1]; 0 gives Constant.
        cdf: "mid", "inclusive" or "exclusive", the form of F.
        sample: (first, last), the window in updates per worker.
    """

    amplitude: float = 1.0
    cdf: str = "mid"
    sample: tuple[int, int] = SAMPLE

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "amplitude", _checks.share("amplitude", self.amplitude))
        _checks.choice("cdf", self.cdf, FORMS)
        object.__setattr__(self, "sample", _checks.window("sample", self.sample))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.tail_tau(self.amplitude, self.cdf, self.sample)


@dataclass(frozen=True)
class Custom(_Step):
    """A scale of your own: an array C[0], …, C[K], or a function from the staleness distribution to such an array.

    A function is called on the thread that called `asap.train`, never by a worker, once the window is complete; until
    then C = 1. An exception in it ends the run and is raised.

    Args:
        rate: η, a number above 0 or a schedule.
        scale: finite numbers ≥ 0 with one entry at least, or a callable StalenessDistribution -> such an array.
        sample: (first, last), the window of a callable in updates per worker, (10, 110) by default; None for an array.
    """

    scale: tuple[float, ...] | Callable[[StalenessDistribution], ArrayLike]
    sample: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if callable(self.scale):
            object.__setattr__(self, "sample", _checks.window("sample", self.sample or SAMPLE))
        else:
            object.__setattr__(self, "scale", tuple(_entries("scale", self.scale).tolist()))
            self._check_no_sample()

    def _check_no_sample(self) -> None:
        if self.sample is not None:
            raise ValueError(f"sample must be None for a fixed array, which needs no distribution; got {self.sample!r}")

    def _to_core(self) -> _core.Policy:
        if callable(self.scale):
            return _core.Policy.custom(self._scale_of, self.sample)
        return _core.Policy.fixed(np.array(self.scale))

    def _scale_of(self, distribution: _core.Distribution) -> NDArray[np.float64]:
        assert callable(self.scale)
        if distribution.total == 0:
            return np.ones(1)
        return _entries("the array that scale returned", self.scale(StalenessDistribution._wrap(distribution)))

    def __repr__(self) -> str:
        return f"Custom(rate={self.rate!r}, scale={reprlib.repr(self.scale)}, sample={self.sample!r})"


Step = Constant | Inverse | InversePlusOne | FLeet | TailTau | Custom
"""Any step."""


def as_step(value: object) -> Step:
    """Return a step as it is, and a number η as Constant(η)."""
    if isinstance(value, Step):
        return value
    if isinstance(value, type) and issubclass(value, _Step):
        raise TypeError(
            f"step must be an instance; got the class {value.__name__}: add (rate), as in {value.__name__}(0.01)"
        )
    if isinstance(value, Rate):
        return Constant(value)
    if callable(value) or (isinstance(value, (np.ndarray, list, tuple)) and np.ndim(value) > 0):
        raise TypeError(f"step must carry its base rate; got {_checks.shown(value)}: write asap.Custom(rate, scale)")
    return Constant(
        _checks.number("step", value, "a step such as asap.TailTau(0.01), or a rate above 0", lambda x: x > 0)
    )


def _entries(name: str, values: ArrayLike) -> NDArray[np.float64]:
    accepted = f"{name} must be a one-dimensional array of finite numbers ≥ 0, one per τ = 0, 1, …"
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "fiu":
        raise ValueError(f"{accepted}; got {array.dtype} of shape {array.shape}")
    entries = np.ascontiguousarray(array, np.float64)
    wrong = np.flatnonzero(~(np.isfinite(entries) & (entries >= 0.0)))
    if wrong.size:
        raise ValueError(f"{accepted}; got {entries[wrong[0]]} at τ = {wrong[0]}")
    return entries
