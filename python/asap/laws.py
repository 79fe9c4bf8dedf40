"""Laws of virtual time: how many seconds gradients and publications take in `asap.simulate`.

Laws are plain values; a number t stands for `Constant(t)`. Each worker draws from its own sequence of random numbers,
which depends on the seed and on nothing else: the k-th gradient of worker w takes the same time whatever the engine,
the step, or the other workers do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asap import _checks, _core

__all__ = ["Constant", "Exponential", "Heterogeneous", "Law", "LogNormal", "Recorded", "Stragglers"]

_MAX_SEED = 2**64 - 1


class LawBase(ABC):
    """What all laws can do."""

    def draw(self, count: int, *, worker: int = 0, seed: int = 0) -> NDArray[np.float64]:
        """Return the seconds of a worker's first gradients in a run with this seed, shape (count,)."""
        return self._to_core().draw(
            _checks.integer("seed", seed, 0, _MAX_SEED),
            _checks.integer("worker", worker, 0),
            _checks.integer("count", count, 0),
        )

    @abstractmethod
    def _to_core(self) -> _core.Law: ...


@dataclass(frozen=True)
class Constant(LawBase):
    """Always the same time. Asynchronous workers then take turns: τ = m − 1 once each has published.

    Args:
        mean: that time in seconds, at least 0; a gradient takes more than 0.
    """

    mean: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", _checks.not_negative("mean", self.mean))

    def _to_core(self) -> _core.Law:
        return _core.Law.constant(self.mean)


@dataclass(frozen=True)
class Exponential(LawBase):
    """Density e^(−x/mean)/mean: each moment is as likely as any other to be the end.

    With such gradients each worker's τ has the geometric law with mean m − 1: Pr[τ = k] = (1 − 1/m)^k / m.

    Args:
        mean: in seconds, above 0.
    """

    mean: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", _checks.positive("mean", self.mean))

    def _to_core(self) -> _core.Law:
        return _core.Law.exponential(self.mean)


@dataclass(frozen=True)
class LogNormal(LawBase):
    """mean · e^(σZ − σ²/2) with Z standard normal; always `mean` with σ = 0.

    Args:
        mean: in seconds, above 0.
        sigma: σ ≥ 0, the standard deviation of the logarithm; about that of the time divided by its mean while small.
    """

    mean: float = 1.0
    sigma: float = 0.3

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", _checks.positive("mean", self.mean))
        object.__setattr__(self, "sigma", _checks.not_negative("sigma", self.sigma))

    def _to_core(self) -> _core.Law:
        return _core.Law.log_normal(self.mean, self.sigma)


@dataclass(frozen=True)
class Recorded(LawBase):
    """One of the times that were measured somewhere, each with the same probability, or with counts as a histogram.

    Args:
        seconds: one or more times, not negative and not all 0.
        counts: how often each occurred, integers ≥ 0; None: once.
    """

    seconds: Sequence[float]
    counts: Sequence[int] | None = None

    def __post_init__(self) -> None:
        seconds = tuple(_checks.not_negative("seconds", each) for each in _items("seconds", self.seconds))
        if not any(seconds):
            raise ValueError(f"seconds must be one or more times, not all 0; got {self.seconds!r:.60}")
        object.__setattr__(self, "seconds", seconds)
        if self.counts is None:
            return
        counts = tuple(_checks.integer("counts", each, 0) for each in _items("counts", self.counts))
        if len(counts) != len(seconds) or not any(counts):
            raise ValueError(f"counts must be {len(seconds)} integers, not all 0; got {self.counts!r:.60}")
        object.__setattr__(self, "counts", counts)

    def _to_core(self) -> _core.Law:
        return _core.Law.recorded(self.seconds, self.counts or [1] * len(self.seconds))


@dataclass(frozen=True)
class Heterogeneous(LawBase):
    """Workers of different speeds, each the same for the whole run. Give one of the two.

    Args:
        law: of a worker with factor 1.
        sigma: σ ≥ 0; each worker's factor is drawn once, e^(σZ − σ²/2), with mean 1.
        factors: of the workers' times, above 0; worker w has factors[w mod len(factors)].
    """

    law: Law
    sigma: float | None = None
    factors: Sequence[float] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "law", as_law("law", self.law))
        if (self.sigma is None) == (self.factors is None):
            raise ValueError(f"one of sigma and factors must be given; got {self.sigma!r} and {self.factors!r:.60}")
        if self.sigma is not None:
            object.__setattr__(self, "sigma", _checks.not_negative("sigma", self.sigma))
        else:
            factors = tuple(_checks.positive("factors", each) for each in _items("factors", self.factors))
            object.__setattr__(self, "factors", factors)

    def _to_core(self) -> _core.Law:
        if self.sigma is not None:
            return _core.Law.spread(self.law._to_core(), self.sigma)
        assert self.factors is not None
        return _core.Law.scaled(self.law._to_core(), self.factors)


@dataclass(frozen=True)
class Stragglers(LawBase):
    """Some take longer: a few workers always, or everybody now and then. Give one of the two.

    Args:
        law: of all the others.
        factor: how many times as long, above 0.
        workers: how many workers are slow for the whole run, from worker 0 on.
        probability: with which any one gradient is slow, in [0, 1].
    """

    law: Law
    factor: float = 10.0
    workers: int | None = None
    probability: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "law", as_law("law", self.law))
        object.__setattr__(self, "factor", _checks.positive("factor", self.factor))
        if (self.workers is None) == (self.probability is None):
            given = f"{self.workers!r} and {self.probability!r}"
            raise ValueError(f"one of workers and probability must be given; got {given}")
        if self.workers is not None:
            object.__setattr__(self, "workers", _checks.integer("workers", self.workers, 0))
        else:
            object.__setattr__(self, "probability", _checks.share("probability", self.probability))

    def _to_core(self) -> _core.Law:
        if self.workers is not None:
            return _core.Law.slow_workers(self.law._to_core(), self.factor, self.workers)
        assert self.probability is not None
        return _core.Law.slow_now_and_then(self.law._to_core(), self.factor, self.probability)


Law = Constant | Exponential | LogNormal | Recorded | Heterogeneous | Stragglers
"""Any law."""


def as_law(name: str, value: object) -> Law:
    """Return a law as it is, and a number as a constant."""
    if isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool):
        return Constant(_checks.not_negative(name, value))
    return _checks.instance(name, value, Law.__args__, "a law such as asap.LogNormal(1.0, 0.3), or a number of seconds")


def _items(name: str, values: object) -> Sequence[object]:
    if isinstance(values, np.ndarray) and values.ndim == 1 and len(values):
        return values.tolist()  # type: ignore[no-any-return]
    if not isinstance(values, (list, tuple)) or not values:
        raise TypeError(f"{name} must be one or more numbers; got {_checks.shown(values)}")
    return values
