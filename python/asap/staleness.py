"""The staleness distribution of an execution.

τ of an update is the number of updates published between its worker's read and its own publication.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asap import _checks, _core

__all__ = ["StalenessDistribution"]

FORMS = ("mid", "inclusive", "exclusive")

_END = 2**63
"""Above the number of updates and above Σ τ, which the core keeps in 64 bits."""


class StalenessDistribution:
    """p(τ) as counts of τ = 0, 1, …; immutable.

    Args:
        counts: how often each τ occurred, integers ≥ 0, shape (K,); their sum and Σ τ are below 2⁶³.
        tau_sum: Σ τ; by default as the counts have it. If it is more, the last count has larger values as well, as
            that of a run on threads has from 4,095 on.

    Attributes:
        per_worker: the distribution of each worker; empty when it is not known, as in simulations of more than 256.
    """

    def __init__(self, counts: ArrayLike, tau_sum: int | None = None) -> None:
        self._core = _core.Distribution(
            _counts("counts", counts), None if tau_sum is None else _checks.integer("tau_sum", tau_sum, 0)
        )
        self.per_worker: list[StalenessDistribution] = []

    @classmethod
    def _wrap(cls, distribution: _core.Distribution) -> StalenessDistribution:
        wrapped = cls(())
        wrapped._core = distribution
        return wrapped

    @classmethod
    def _merge(cls, per_worker: Sequence[_core.Distribution], workers: int = 0) -> StalenessDistribution:
        """Add up the workers' distributions exactly; these are not told apart where they are fewer than the workers."""
        counts = np.zeros(max((len(worker.counts) for worker in per_worker), default=0), np.uint64)
        for worker in per_worker:
            counts[: len(worker.counts)] += worker.counts
        merged = cls(counts, sum(worker.tau_sum for worker in per_worker))
        merged.per_worker = [cls._wrap(worker) for worker in per_worker] if len(per_worker) >= workers else []
        return merged

    @property
    def counts(self) -> NDArray[np.uint64]:
        """How often each τ occurred, up to the largest τ seen; shape (max + 1,), or (0,) without updates."""
        return self._core.counts

    @property
    def total(self) -> int:
        """Number of updates counted."""
        return self._core.total

    @property
    def tau_sum(self) -> int:
        """Σ τ over the updates."""
        return self._core.tau_sum

    @property
    def mean(self) -> float:
        """τ̄; 0 without updates."""
        return self._core.mean

    @property
    def max(self) -> int:
        """The largest τ seen; 0 without updates."""
        return max(0, len(self.counts) - 1)

    def probability(self, tau: int) -> float:
        """Return p(τ)."""
        return self._core.probability(_checks.integer("tau", tau, 0))

    def cdf(self, tau: int, form: str = "mid") -> float:
        """Return F(τ), which is 1 beyond the largest τ seen and 0 without updates.

        Args:
            tau: τ ≥ 0.
            form: "mid" is F(τ−1) + p(τ)/2, "inclusive" Pr[τ' ≤ τ], "exclusive" Pr[τ' < τ].
        """
        return self._core.cdf(_checks.integer("tau", tau, 0), _checks.choice("form", form, FORMS))

    def quantile(self, q: float) -> int:
        """Return the smallest τ with Pr[τ' ≤ τ] ≥ q, for q in [0, 1]; ValueError without updates."""
        return self._core.quantile(_checks.share("q", q))

    def to_dict(self) -> dict[str, Any]:
        """Return counts, total, mean and largest τ as plain values, and each worker's counts where known."""
        own = {"counts": self.counts.tolist(), "total": self.total, "mean": self.mean, "max": self.max}
        return own | {"per_worker": [worker.counts.tolist() for worker in self.per_worker]}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StalenessDistribution):
            return NotImplemented
        return self.__reduce__()[1:] == other.__reduce__()[1:]

    __hash__ = None  # type: ignore[assignment]  # equal by value, and holds a list

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.counts.tolist(), self.tau_sum), {"per_worker": self.per_worker}

    def __repr__(self) -> str:
        if not self.total:
            return "StalenessDistribution(no updates)"
        return (
            f"StalenessDistribution({self.total:,} updates, mean {self.mean:.3g}, median {self.quantile(0.5)}, "
            f"max {self.max})"
        )


def as_distribution(value: StalenessDistribution | ArrayLike | None) -> StalenessDistribution:
    """Return the argument `distribution` of a function: as it is, counts as one, and None as the empty one."""
    if isinstance(value, StalenessDistribution):
        return value
    return StalenessDistribution(_counts("distribution", [] if value is None else value))


def _counts(name: str, values: ArrayLike) -> NDArray[np.uint64]:
    accepted = f"{name} must be a one-dimensional array of integers ≥ 0, one per τ = 0, 1, …"
    array = np.asarray(values)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise ValueError(f"{accepted}; got {array.dtype} of shape {array.shape}")
    wrong = np.flatnonzero(array < 0)
    if wrong.size:
        raise ValueError(f"{accepted}; got {array[wrong[0]]} at τ = {wrong[0]}")
    if array.size and int(array.max()) * array.size**2 >= _END:  # sums may be too large: taken exactly
        _check_sums(name, array.tolist())
    return np.ascontiguousarray(array, np.uint64)


def _check_sums(name: str, counts: list[int]) -> None:
    total, tau_sum = sum(counts), sum(tau * count for tau, count in enumerate(counts))
    if total >= _END:
        raise ValueError(f"{name} must add up to less than 2⁶³; got {total}")
    if tau_sum >= _END:
        raise ValueError(f"Σ τ of {name} must be less than 2⁶³; got {tau_sum}")
