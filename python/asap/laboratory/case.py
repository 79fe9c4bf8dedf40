"""One combination of what is compared."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Case", "Group"]


@dataclass(frozen=True)
class Group:
    """What the cases that differ in their seed alone have in common.

    Attributes:
        engine: its label.
        step: its label.
        workers: m.
        nominal: the base rate of the plan, to which this belongs.
        equal_to: the label of the step whose effective step it is to have; None: it runs at the nominal rate.
        simulated: the label of the law of its times; None: on threads.
    """

    engine: str
    step: str
    workers: int
    nominal: float
    equal_to: str | None = None
    simulated: str | None = None

    @property
    def label(self) -> str:
        """The step, and to which other one's effective step its rate was set."""
        return self.step if self.equal_to is None else f"{self.step} at the step of {self.equal_to}"


@dataclass(frozen=True)
class Case:
    """A group and a seed.

    Attributes:
        engine, step, workers, nominal, equal_to, simulated: those of its group.
        rate: the base rate η that it runs at.
        seed: of the starting parameters and the order of the batches.
        wanted: with `equal_to`, the effective step that the rate is meant to give.
        corrected: whether the rate makes up for what another one, meant to give that, gave instead.
    """

    engine: str
    step: str
    workers: int
    nominal: float
    rate: float
    seed: int
    equal_to: str | None = None
    simulated: str | None = None
    wanted: float | None = None
    corrected: bool = False

    @property
    def group(self) -> Group:
        """What it has in common with its repetitions."""
        return Group(self.engine, self.step, self.workers, self.nominal, self.equal_to, self.simulated)

    @property
    def name(self) -> str:
        """The name of its folder."""
        parts = [self.engine, self.step, f"m{self.workers}", f"rate{self.nominal!r}", f"seed{self.seed}"]
        parts += [] if self.equal_to is None else [f"equal-to-{self.equal_to}"]
        parts += ["corrected"] if self.corrected else []
        parts += [] if self.simulated is None else [f"simulated-{self.simulated}"]
        return re.sub(r"[^\w.=+-]+", "_", "_".join(parts))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    def __str__(self) -> str:
        shown = f"{self.engine}, {self.group.label}, {self.workers} workers, rate {self.rate:.4g}, seed {self.seed}"
        return shown if self.simulated is None else f"{shown}, simulated {self.simulated}"
