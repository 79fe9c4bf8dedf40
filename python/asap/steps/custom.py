"""A scale of the user's own."""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asap import _core
from asap.staleness import StalenessDistribution
from asap.steps import sample as samples
from asap.steps.base import Rated
from asap.steps.sample import SAMPLE, Sample

__all__ = ["Custom"]


@dataclass(frozen=True)
class Custom(Rated):
    """A scale of your own: an array C[0], …, C[K], or a function from the staleness distribution to such an array.

    A function is called on the thread that called `asap.train`, never by a worker, as soon as there is a sample, and
    with `asap.Online` again and again; until then C = 1. An exception in it ends the run and is raised.

    Args:
        rate: η, a number above 0 or a schedule.
        scale: finite numbers ≥ 0 with one entry at least, or a callable StalenessDistribution -> such an array.
        sample: of a callable: (first, last), a window in updates per worker, (10, 110) by default, or `asap.Online()`,
            with which counts are weights, an update's 2²⁰ when it is new; None for an array.
    """

    scale: tuple[float, ...] | Callable[[StalenessDistribution], ArrayLike]
    sample: Sample | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if callable(self.scale):
            object.__setattr__(self, "sample", samples.checked(SAMPLE if self.sample is None else self.sample))
        else:
            object.__setattr__(self, "scale", tuple(_entries("scale", self.scale).tolist()))
            self._check_no_sample()

    def _check_no_sample(self) -> None:
        if self.sample is not None:
            raise ValueError(f"sample must be None for a fixed array, which needs no distribution; got {self.sample!r}")

    def _to_core(self) -> _core.Policy:
        if callable(self.scale):
            return _core.Policy.custom(self._scale_of, samples.to_core(self.sample or SAMPLE))
        return _core.Policy.fixed(np.array(self.scale))

    def _scale_of(self, distribution: _core.Distribution) -> NDArray[np.float64]:
        assert callable(self.scale)
        if distribution.total == 0:
            return np.ones(1)
        return _entries("the array that scale returned", self.scale(StalenessDistribution._wrap(distribution)))

    def __repr__(self) -> str:
        return f"Custom(rate={self.rate!r}, scale={reprlib.repr(self.scale)}, sample={self.sample!r})"


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
