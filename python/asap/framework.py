"""The ASAP framework: what a staleness-adaptive scale C does to a distribution of staleness, and what that guarantees.

>>> import asap
>>> seen = [10, 30, 20, 5]                                    # updates with τ = 0, 1, 2, 3
>>> print(asap.framework.check(asap.Inverse(0.1), seen))      # doctest: +SKIP
>>> limits = asap.framework.bounds(asap.TailTau(0.1), seen, smoothness=4, gradient=9, gap=5)
>>> updates = limits.non_convex.updates_to(0.1)
>>> rate = limits.non_convex.best_rate(updates)

docs/theory.md has the assumptions and the proofs (Bäckström, Papatriantafilou and Tsigas, ICML 2022, and what follows).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asap import _checks, _core, steps
from asap.staleness import StalenessDistribution, as_distribution

__all__ = ["Bound", "Bounds", "Properties", "bounds", "check", "normalise"]

TOLERANCE = 1e-12


@dataclass(frozen=True)
class Properties:
    """What C does to updates of staleness τ ~ p; expectations are over p.

    Attributes:
        mean: E[C]; the mean step is η·E[C].
        mean_error: E[C] − 1.
        mean_preserving: whether |E[C] − 1| is within the tolerance.
        first_violation: the smallest τ with C(τ) > C(τ−1); None for a priority-preserving C.
        priority_preserving: whether C(τ+1) ≤ C(τ) for all τ.
        range: the least and the largest C(τ) over all τ.
        bounded: whether 0 ≤ C(τ) < ∞ for all τ.
        leveraged: Pr[C > 1], the share of the updates that are enlarged.
        dampened: Pr[C < 1].
        rejected: Pr[C = 0].
        variance: Var C.
        second_moment: E[C²], at least 1 for a mean-preserving C: the price in the bounds.
        mean_staleness: τ̄.
        scaled_staleness: E[Cτ]; at most τ̄ when mean and priority are preserved.
        mean_squared_staleness: E[τ²].
        scaled_squared_staleness: E[Cτ²], what the bounds ask for instead of E[τ²].
    """

    mean: float
    mean_error: float
    mean_preserving: bool
    first_violation: int | None
    priority_preserving: bool
    range: tuple[float, float]
    bounded: bool
    leveraged: float
    dampened: float
    rejected: float
    variance: float
    second_moment: float
    mean_staleness: float
    scaled_staleness: float
    mean_squared_staleness: float
    scaled_squared_staleness: float

    def to_dict(self) -> dict[str, Any]:
        """Return the properties by name, as plain values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __str__(self) -> str:
        """Return a line per question."""
        least, most = self.range
        rows = [
            ("mean-preserving", _yes(self.mean_preserving), f"E[C] = {self.mean:.6g}, off by {self.mean_error:.2g}"),
            ("priority-preserving", _yes(self.priority_preserving), self._priority()),
            ("bounded", _yes(self.bounded), f"C in [{least:.6g}, {most:.6g}]"),
            ("leveraged", f"{self.leveraged:.1%}", f"C > 1; C < 1: {self.dampened:.1%}, C = 0: {self.rejected:.1%}"),
            ("E[Cτ]", f"{self.scaled_staleness:.4g}", f"mean τ = {self.mean_staleness:.4g}"),
            ("Var C", f"{self.variance:.4g}", f"E[C²] = {self.second_moment:.4g}"),
        ]
        return "\n".join(f"{name:<20} {verdict:>8}   {figure}" for name, verdict, figure in rows)

    def _priority(self) -> str:
        if self.first_violation is None:
            return "C(τ+1) ≤ C(τ) for all τ"
        return f"C({self.first_violation}) > C({self.first_violation - 1})"


class Bound:
    """A bound on the error of a run, as a function of the base rate η and the number of updates T."""

    def __init__(self, core: _core.Bound) -> None:
        self._core = core

    def __call__(self, rate: float, updates: int) -> float:
        """Return the bound after `updates` ≥ 1 at the base rate; infinity where it does not hold (η·E[C] > 1/μ)."""
        return self._core(_checks.not_negative("rate", rate), _checks.integer("updates", updates, 1))

    def best_rate(self, updates: int) -> float:
        """Return the base rate η with the smallest bound after `updates`; 0 where any step only makes it worse."""
        return self._core.best_rate(_checks.integer("updates", updates, 1))

    def updates_to(self, error: float) -> int:
        """Return the fewest updates after which the bound, at its best rate, is at most `error` > 0.

        Raises:
            ValueError: it would take more than 2⁶² updates.
        """
        return self._core.updates_to(_checks.positive("error", error))


@dataclass(frozen=True)
class Bounds:
    """The bounds on an asynchronous run, None where the constants do not suffice.

    Attributes:
        convex: on (1/T) Σ E f(θ_t) − f*, for a convex f; needs `distance`.
        convex_views: on (1/T) Σ E[C(τ_t)·(f(v_t) − f*)] at the views v_t that gradients were computed on, for a convex
            f, smooth or not; needs `distance`.
        non_convex: on (1/T) Σ E‖∇f(θ_t)‖²; needs `gap`.
        polyak_lojasiewicz: on E f(θ_T) − f*, where ‖∇f‖² ≥ 2μ(f − f*); needs `gap` and `curvature`.
    """

    convex: Bound | None
    convex_views: Bound | None
    non_convex: Bound | None
    polyak_lojasiewicz: Bound | None


def check(
    step: steps.Step | ArrayLike,
    distribution: StalenessDistribution | ArrayLike,
    *,
    workers: int = 1,
    tolerance: float = TOLERANCE,
) -> Properties:
    """Return what a step's scale does under a staleness distribution, such as ``run.staleness``.

    Args:
        step: a step, whose table for this distribution is looked at, or an array C(0), …, C(K), the last entry for all
            τ ≥ K; infinite and negative entries are reported.
        distribution: p, or its counts; one update at least.
        workers: m, for steps whose table depends on it.
        tolerance: the largest |E[C] − 1| that counts as mean-preserving.

    Raises:
        ValueError: an empty distribution, an empty array or one with entries that are no numbers.
    """
    tolerance = _checks.not_negative("tolerance", tolerance)
    found = _properties(step, distribution, workers)
    return Properties(
        mean=found.mean,
        mean_error=found.mean - 1.0,
        mean_preserving=abs(found.mean - 1.0) <= tolerance,
        first_violation=found.first_violation,
        priority_preserving=found.first_violation is None,
        range=(found.least, found.most),
        bounded=found.least >= 0.0 and math.isfinite(found.most),
        leveraged=found.leveraged,
        dampened=found.dampened,
        rejected=found.rejected,
        variance=found.second_moment - found.mean**2,
        second_moment=found.second_moment,
        mean_staleness=found.mean_staleness,
        scaled_staleness=found.scaled_staleness,
        mean_squared_staleness=found.mean_squared_staleness,
        scaled_squared_staleness=found.scaled_squared_staleness,
    )


def normalise(
    step: steps.Step | ArrayLike, distribution: StalenessDistribution | ArrayLike, *, workers: int = 1
) -> NDArray[np.float64]:
    """Return the table C / E[C], which is mean-preserving on the distribution; arguments as of `check`.

    Raises:
        ValueError: as `check`, and where E[C] is 0, negative or infinite.
    """
    return _core.normalise(_scale(step, distribution, workers), as_distribution(distribution)._core)


def bounds(
    step: steps.Step | ArrayLike,
    distribution: StalenessDistribution | ArrayLike,
    *,
    smoothness: float,
    gradient: float,
    distance: float | None = None,
    gap: float | None = None,
    curvature: float | None = None,
    workers: int = 1,
) -> Bounds:
    """Return bounds on the error of asynchronous SGD with this step, where τ of each update is drawn from p.

    A C whose mean is not 1 counts as C / E[C] with the rate η·E[C].

    Args:
        step: as of `check`.
        distribution: as of `check`.
        smoothness: L > 0 with ‖∇f(x) − ∇f(y)‖ ≤ L‖x − y‖.
        gradient: M² > 0 with E‖g‖² ≤ M² for a batch's gradient g, wherever it is computed.
        distance: ‖θ₀ − θ*‖ > 0.
        gap: f(θ₀) − f* > 0.
        curvature: μ in (0, L] with ‖∇f‖² ≥ 2μ(f − f*).
        workers: as of `check`.

    Raises:
        ValueError: as `check`; a constant out of its range; a C that is negative or unbounded, or whose mean is 0.
    """
    constants = {"distance": distance, "gap": gap, "curvature": curvature}
    found = _core.bounds(
        _properties(step, distribution, workers),
        _checks.positive("smoothness", smoothness),
        _checks.positive("gradient", gradient),
        **{name: None if value is None else _checks.positive(name, value) for name, value in constants.items()},
    )
    return Bounds(*(_wrap(getattr(found, field.name)) for field in fields(Bounds)))


def _wrap(bound: _core.Bound | None) -> Bound | None:
    return None if bound is None else Bound(bound)


def _properties(
    step: steps.Step | ArrayLike, distribution: StalenessDistribution | ArrayLike, workers: int
) -> _core.Properties:
    return _core.properties_of(_scale(step, distribution, workers), as_distribution(distribution)._core)


def _scale(
    step: steps.Step | ArrayLike, distribution: StalenessDistribution | ArrayLike, workers: int
) -> NDArray[np.float64]:
    workers = _checks.integer("workers", workers, 1)
    if isinstance(step, steps.Step):
        return step.table(distribution, workers=workers)
    array = np.asarray(step)
    if array.ndim != 1 or array.size == 0 or array.dtype.kind not in "fiu":
        raise ValueError(
            "step must be a step such as asap.TailTau(0.01), or a one-dimensional array C(0), …, C(K); "
            f"got {_checks.shown(step)}"
        )
    return np.ascontiguousarray(array, np.float64)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
