"""Scales made of another step's."""

from __future__ import annotations

from dataclasses import dataclass

from asap import _checks, _core
from asap.rates import Rate
from asap.steps import sample as samples
from asap.steps.base import StepBase
from asap.steps.sample import SAMPLE, Sample

__all__ = ["Clipped", "Normalised"]


@dataclass(frozen=True)
class _Composed(StepBase):
    """A step around another one, whose rate it takes."""

    step: StepBase

    def __post_init__(self) -> None:
        accepted = "a step such as asap.Inverse(0.01)"
        object.__setattr__(self, "step", _checks.instance("step", self.step, StepBase, accepted))

    @property
    def rate(self) -> float | Rate:
        """The base rate of the step inside, or its schedule."""
        return self.step._schedule

    @property
    def _schedule(self) -> float | Rate:
        return self.step._schedule


@dataclass(frozen=True)
class Normalised(_Composed):
    """C / E[C] of another step, on the distribution of this very execution: any scale, made mean-preserving.

    C = 1 until there is a sample. A step that has one itself keeps it.

    Args:
        step: the step, as in ``asap.Normalised(asap.Inverse(0.01))``.
        sample: for a step without one: (first, last), a window in updates per worker, or `asap.Online()`.
    """

    sample: Sample = SAMPLE

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sample", samples.checked(self.sample))

    def _to_core(self) -> _core.Policy:
        return _core.Policy.normalised(self.step._to_core(), samples.to_core(self.sample))


@dataclass(frozen=True)
class Clipped(_Composed):
    """Another step's C, not below `least` and not above `most`.

    Args:
        step: the step, as in ``asap.Clipped(asap.Normalised(asap.Inverse(0.01)), 0, 5)``.
        least: at least 0.
        most: at least `least`, above 0.
    """

    least: float = 0.0
    most: float = 5.0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "least", _checks.not_negative("least", self.least))
        accepted = f"a finite number above 0 and at least least, {self.least:g}"
        most = _checks.number("most", self.most, accepted, lambda x: x > 0 and x >= self.least)
        object.__setattr__(self, "most", most)

    def _to_core(self) -> _core.Policy:
        return _core.Policy.clipped(self.step._to_core(), self.least, self.most)
