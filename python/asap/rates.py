"""Schedules of the base rate η over the updates of a run.

A plain number is a constant rate; `asap.Constant(asap.CosineRate(0.05))` uses a schedule.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from asap import _checks, _core

__all__ = ["ConstantRate", "CosineRate", "Rate", "Span", "StepRate"]

UNITS = ("epochs", "updates")


@dataclass(frozen=True)
class Span:
    """How long a run is, as far as it is known beforehand.

    Args:
        updates_per_epoch: updates in one pass over the data; None where nobody knows.
        updates: updates in the whole run; None when time alone limits it.
    """

    updates_per_epoch: float | None = None
    updates: int | None = None

    def to_updates(self, length: float, unit: str) -> int:
        """Return a length in epochs or updates as a whole number of updates, at least 1."""
        if unit == "updates":
            return max(1, round(length))
        if self.updates_per_epoch is None:
            raise ValueError('a schedule in epochs needs updates_per_epoch to be evaluated; or use unit="updates"')
        return max(1, round(length * self.updates_per_epoch))


class _Schedule(ABC):
    """What all schedules can do."""

    rate: float

    def __call__(self, update: int, *, updates_per_epoch: float | None = None, updates: int | None = None) -> float:
        """Return η at an update.

        Args:
            update: t ≥ 0, the number of updates published before it.
            updates_per_epoch: needed by schedules in epochs.
            updates: length of the run, needed by schedules that stretch over the whole run.
        """
        return self._to_core(Span(updates_per_epoch, updates))(_checks.integer("update", update, 0))

    @abstractmethod
    def _to_core(self, span: Span) -> _core.Rate: ...


@dataclass(frozen=True)
class ConstantRate(_Schedule):
    """η(t) = rate.

    Args:
        rate: η > 0.
    """

    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", _checks.positive("rate", self.rate))

    def _to_core(self, span: Span) -> _core.Rate:
        return _core.Rate.constant(self.rate)


@dataclass(frozen=True)
class StepRate(_Schedule):
    """η(t) = rate · factor^⌊t / every⌋: the rate drops in steps.

    At the boundaries: η(0) = rate, η(every) = rate · factor.

    Args:
        rate: η > 0 at the beginning.
        factor: in (0, 1], applied at each step.
        every: length of a step, above 0, in `unit`.
        unit: "epochs" or "updates".
    """

    rate: float
    factor: float
    every: float
    unit: str = "epochs"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", _checks.positive("rate", self.rate))
        factor = _checks.number("factor", self.factor, "a number in (0, 1]", lambda x: 0.0 < x <= 1.0)
        object.__setattr__(self, "factor", factor)
        _checks.positive("every", self.every)
        _checks.choice("unit", self.unit, UNITS)

    def _to_core(self, span: Span) -> _core.Rate:
        return _core.Rate.step(self.rate, self.factor, span.to_updates(self.every, self.unit))


@dataclass(frozen=True)
class CosineRate(_Schedule):
    """η(t) = final + (rate − final) · (1 + cos(π · min(t / length, 1))) / 2 (Loshchilov and Hutter, 2017; no restarts).

    At the boundaries: η(0) = rate, η(length / 2) = (rate + final) / 2, η(t) = final for t ≥ length.

    Args:
        rate: η > 0 at the beginning.
        final: in [0, rate], η at the end.
        length: above 0, in `unit`; None: the whole run, which then needs a limit in epochs or updates.
        unit: "epochs" or "updates".
    """

    rate: float
    final: float = 0.0
    length: float | None = None
    unit: str = "epochs"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", _checks.positive("rate", self.rate))
        final = _checks.number("final", self.final, "a number in [0, rate]", lambda x: 0.0 <= x <= self.rate)
        object.__setattr__(self, "final", final)
        if self.length is not None:
            _checks.positive("length", self.length)
        _checks.choice("unit", self.unit, UNITS)

    def _to_core(self, span: Span) -> _core.Rate:
        return _core.Rate.cosine(self.rate, self.final, self._updates(span))

    def _updates(self, span: Span) -> int:
        if self.length is not None:
            return span.to_updates(self.length, self.unit)
        if span.updates is None:
            raise ValueError(
                "CosineRate without a length lasts the whole run, whose number of updates is not known: "
                "give CosineRate(…, length=…), or limit the run by epochs or updates"
            )
        return max(1, span.updates)


Rate = ConstantRate | StepRate | CosineRate
"""Any schedule."""


def as_rate(value: float | Rate) -> Rate:
    """Return a schedule as it is, and a number as a constant rate."""
    return value if isinstance(value, Rate) else ConstantRate(value)


def checked(value: object) -> float | Rate:
    """Return the rate argument of a step: a schedule, or a number as a float above 0."""
    if isinstance(value, type) and issubclass(value, _Schedule):
        raise TypeError(f"rate must be a number or a schedule; got the class {value.__name__}: add (rate, …)")
    if isinstance(value, Rate):
        return value
    accepted = "a finite number above 0, or a schedule such as asap.CosineRate(0.05)"
    return _checks.number("rate", value, accepted, lambda rate: rate > 0.0)
