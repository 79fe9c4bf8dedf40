"""What all steps can do, and what a run makes of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asap import _checks, _core, rates
from asap.rates import Rate, Span
from asap.staleness import StalenessDistribution, as_distribution

__all__ = ["Rated", "ScaleTable", "StepBase", "TableFigures"]


class ScaleTable(NamedTuple):
    """A scale table and when it came into force.

    Attributes:
        update: number of updates published before it.
        entries: C[0], …, C[K]; the last one serves every τ ≥ K.
        seen: the staleness it was made of; with `asap.Online` its counts are weights, an update's 2²⁰ when it is new.
            Without updates: the table was made before anything was known.
    """

    update: int
    entries: NDArray[np.float64]
    seen: StalenessDistribution


class TableFigures(NamedTuple):
    """What a scale table does to the staleness it was made of.

    Attributes:
        update: number of updates published before it came into force.
        mean_tau: τ̄.
        mean_scale: E[C], 1 for a mean-preserving step.
        mean_square: E[C²].
    """

    update: int
    mean_tau: float
    mean_scale: float
    mean_square: float


class StepBase(ABC):
    """A base rate and a scale."""

    @property
    @abstractmethod
    def _schedule(self) -> float | Rate:
        """The base rate η, or its schedule."""

    def table(
        self, distribution: StalenessDistribution | ArrayLike | None = None, *, workers: int = 1
    ) -> NDArray[np.float64]:
        """Return the table C[0], …, C[K] that a run would use.

        Args:
            distribution: the staleness distribution, or its counts; None: no update was seen yet.
            workers: m, the number of workers.
        """
        counted = as_distribution(distribution)._core
        rate = rates.as_rate(self._schedule).rate
        return self._to_core().table(counted, _checks.integer("workers", workers, 1), rate, 0)

    def rate_at(self, update: int, *, updates_per_epoch: float | None = None, updates: int | None = None) -> float:
        """Return the base rate η at an update; the other arguments are those of schedules."""
        return rates.as_rate(self._schedule)(update, updates_per_epoch=updates_per_epoch, updates=updates)

    def _rate_to_core(self, span: Span) -> _core.Rate:
        return rates.as_rate(self._schedule)._to_core(span)

    @abstractmethod
    def _to_core(self) -> _core.Policy: ...


@dataclass(frozen=True)
class Rated(StepBase):
    """A step that holds its base rate."""

    rate: float | Rate

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", rates.checked(self.rate))

    @property
    def _schedule(self) -> float | Rate:
        return self.rate
