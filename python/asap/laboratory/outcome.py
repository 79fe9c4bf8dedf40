"""A case and what became of it, as its run.json has it; the measures that are taken from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asap.laboratory.case import Case
from asap.losses import Losses

__all__ = ["LEVELS", "MEASURES", "SAME_STEP", "TIMES", "Measure", "Outcome"]

LEVELS = (0.75, 0.5, 0.25, 0.1, 0.05, 0.025)
"""The fractions ε of the initial training loss that runs are asked for."""

FAILURES = ("diverged", "crashed", "timed out")
"""How a case can fail; "completed" and "stopped" are successes."""

TIMES = {"seconds": "s", "updates": "updates", "epoch": "epochs"}
"""What the way to ε is measured in, with its unit."""


SAME_STEP = 0.01
"""Effective steps that differ by no more than this share are taken for equal: no case is run again for less, and what
was run again and is further off is marked."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A case and its document.

    Attributes:
        case: what was asked for.
        document: run.json; of a crash only its words, as "error".
        reused: whether it was there before.
    """

    case: Case
    document: Mapping[str, Any]
    reused: bool = False

    @property
    def status(self) -> str:
        """That of the run; "crashed" when it raised an error, "timed out" when it was given up."""
        if "error" in self.document:
            return "crashed"
        return "timed out" if self.document["laboratory"]["timed_out"] else str(self.document["status"])

    @property
    def is_success(self) -> bool:
        """Whether the run came to its end without diverging."""
        return self.status in ("completed", "stopped")

    @property
    def has_run(self) -> bool:
        """Whether there is a run, good or bad."""
        return self.status != "crashed"

    @cached_property
    def losses(self) -> Losses | None:
        """The training loss on snapshots."""
        rows = self.document.get("losses")
        return None if rows is None else Losses._of(rows)

    @cached_property
    def staleness(self) -> NDArray[np.int64]:
        """How often each τ occurred among the published updates."""
        return np.array(self.document["staleness"]["counts"] if self.has_run else [], np.int64)

    def scale(self) -> NDArray[np.float64] | None:
        """Return the table of C(τ) that was in force last; None without a run."""
        return np.array(self.document["tables"][-1]["entries"], np.float64) if self.has_run else None

    def result(self, name: str) -> Any:
        """Return one of the results; None without a run."""
        return self.document["results"][name] if self.has_run else None

    def last(self, column: str) -> Any:
        """Return a column of the history's last row; None without one."""
        history = self.document["history"] if self.has_run else []
        return history[-1][column] if history else None

    def step_ratio(self) -> float | None:
        """Return the effective step over the one it was to have; None unless the case was run again for that."""
        achieved, wanted = self.result("effective_step"), self.case.wanted
        return None if achieved is None or wanted is None else achieved / wanted

    def time_to(self, level: float, along: str = "seconds") -> float | None:
        """Return where the loss fell to ε; None when it did not, or without snapshots."""
        return None if self.losses is None else self.losses.at(level, along)

    def measures(self) -> Iterator[tuple[str, float | None, Any, str]]:
        """Return all measures: name, level ε if any, value or None, unit."""
        if not self.has_run:
            return
        for name, measure in MEASURES.items():
            yield name, None, measure.of(self), measure.unit
        if self.losses is not None:
            for along, unit in TIMES.items():
                for level in LEVELS:
                    yield f"{along}_to", level, self.time_to(level, along), unit


class Measure(NamedTuple):
    """A figure of a run.

    Attributes:
        unit: of its values; "" for shares, losses and numbers.
        meaning: in words.
        of: takes it from an outcome.
    """

    unit: str
    meaning: str
    of: Callable[[Outcome], Any]


def _result(name: str, unit: str, meaning: str) -> Measure:
    return Measure(unit, meaning, lambda outcome: outcome.result(name))


def _simulated(name: str, meaning: str) -> Measure:
    return Measure("workers", meaning, lambda outcome: (outcome.document.get("simulation") or {}).get(name))


def _sigma_tau(outcome: Outcome) -> float | None:
    counts = outcome.staleness
    if not counts.sum():
        return None
    tau = np.arange(len(counts))
    mean = np.average(tau, weights=counts)
    return float(np.sqrt(np.average((tau - mean) ** 2, weights=counts)))


def _loss(which: int) -> Callable[[Outcome], Any]:
    def of(outcome: Outcome) -> float | None:
        value = np.nan if outcome.losses is None else float(outcome.losses.loss[which])
        return value if np.isfinite(value) else None

    return of


MEASURES = {
    "seconds": _result("seconds", "s", "from the first worker's start to the last one's end"),
    "updates": _result("updates", "updates", "published"),
    "updates_per_second": _result("updates_per_second", "1/s", "published updates per second"),
    "samples_per_second": _result("samples_per_second", "1/s", "samples worked on per second"),
    "gradients": _result("gradients", "gradients", "computed to the end"),
    "attempts": _result("attempts", "attempts", "tries to publish"),
    "drops": _result("drops", "gradients", "given up after the persistence bound"),
    "rejected": _result("rejected", "gradients", "with C(τ) = 0"),
    "skipped": _result("skipped", "gradients", "not finite, with on_nonfinite=skip"),
    "vectors_high_water": _result("vectors_high_water", "vectors", "parameter vectors alive at once, at most"),
    "effective_step": _result("effective_step", "", "E[C]·η, the mean of η·C(τ)"),
    "wanted_step": Measure("", "the effective step it was to have, if run again", lambda outcome: outcome.case.wanted),
    "step_ratio": Measure("", "effective_step over wanted_step", Outcome.step_ratio),
    "mean_tau": Measure("updates", "mean staleness", lambda outcome: outcome.document["staleness"]["mean"]),
    "sigma_tau": Measure("updates", "standard deviation of the staleness", _sigma_tau),
    "max_tau": Measure("updates", "largest staleness", lambda outcome: outcome.document["staleness"]["max"]),
    "publishing": _simulated("publishing", "between gradient and publication, the mean over virtual time"),
    "modelled": _simulated("modelled", "likewise, by the model of Leashed-SGD: m / (T_c/T_u + 1)"),
    "initial_loss": Measure("", "training loss before the first update", _loss(0)),
    "loss": Measure("", "training loss on the last snapshot", _loss(-1)),
    "validation_loss": Measure("", "on the held-out data, last", lambda outcome: outcome.last("validation_loss")),
    "accuracy": Measure("", "on the held-out data, last", lambda outcome: outcome.last("accuracy")),
}
"""What every run is measured by, besides the times to ε."""
