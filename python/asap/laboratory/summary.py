"""What runs that differ in their seed alone have in common: medians and quartiles, and how many failed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from asap import _checks
from asap.laboratory.case import Group
from asap.laboratory.cells import groups
from asap.laboratory.outcome import FAILURES, LEVELS, MEASURES, SAME_STEP, TIMES, Outcome

__all__ = ["Quartiles", "Summary", "quartiles", "summaries"]


class Quartiles(NamedTuple):
    """The 25th, 50th and 75th percentile; math.inf where that many runs did not get there."""

    low: float
    median: float
    high: float


def quartiles(values: Iterable[float | None]) -> Quartiles | None:
    """Return the quartiles of values, of which None and math.inf stand above all others; None without a value.

    The q-quantile of n values in order lies at position q · (n − 1), counted from 0, and on the straight line between
    the two values around it.
    """
    ordered = sorted(math.inf if value is None else value for value in values)
    if not ordered:
        return None

    def at(share: float) -> float:
        position = share * (len(ordered) - 1)
        below, above = ordered[math.floor(position)], ordered[math.ceil(position)]
        return below if below == above else below + (above - below) * (position - math.floor(position))

    return Quartiles(at(0.25), at(0.5), at(0.75))


@dataclass(frozen=True)
class Summary:
    """The outcomes of one group.

    Attributes:
        group: what they have in common.
        rate: the base rate that they ran at.
        runs: how many there are.
        failures: how many of them diverged, crashed and timed out.
        measures: quartiles of each measure over the runs that succeeded; None without any.
        times: along ("seconds", "updates", "epoch") and level ε → quartiles over all runs, in which those that did not
            get there count as infinitely late; empty without snapshots.
        reached: level ε → how many runs got there.
    """

    group: Group
    rate: float
    runs: int
    failures: dict[str, int]
    measures: dict[str, Quartiles | None]
    times: dict[tuple[str, float], Quartiles | None]
    reached: dict[float, int]

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return sum(self.failures.values())

    @property
    def step_error(self) -> float:
        """By which share the median effective step misses the one it was to have; 0 unless it was to have one."""
        return (self.median("step_ratio") or 1.0) - 1.0

    @property
    def misses_step(self) -> bool:
        """Whether that is more than a rounding of what was meant to be equal."""
        return abs(self.step_error) > SAME_STEP

    def median(self, measure: str) -> float | None:
        """Return the median of a measure; None without any."""
        if measure not in MEASURES:
            raise KeyError(f"measure must be one of {', '.join(MEASURES)}; got {measure!r}")
        found = self.measures[measure]
        return None if found is None else found.median

    def time(self, level: float, along: str = "seconds") -> float | None:
        """Return the median of the way to ε; None where half of the runs did not get there."""
        if _checks.share("level", level) not in LEVELS:
            raise ValueError(f"level must be one of {', '.join(map(str, LEVELS))}; got {level}")
        _checks.choice("along", along, TIMES)
        found = self.times.get((along, level))
        return None if found is None or math.isinf(found.median) else found.median

    def to_dict(self) -> dict[str, Any]:
        """Return plain values: a row for the group, with medians under the names of their measures."""
        row = asdict(self.group) | {"rate": self.rate, "runs": self.runs, "failed": self.failed}
        row |= {"failures": self.failures} | {name: self.median(name) for name in MEASURES}
        row["quartiles"] = {name: found and list(found) for name, found in self.measures.items()}
        row["times"] = [
            {"along": along, "level": level, "reached": self.reached[level], "quartiles": found and list(found)}
            for (along, level), found in self.times.items()
        ]
        return row


def summaries(outcomes: Sequence[Outcome]) -> list[Summary]:
    """Return one summary per group, in the order of the runs."""
    return [_summary(group, members) for group, members in groups(outcomes)]


def _summary(group: Group, outcomes: list[Outcome]) -> Summary:
    good = [outcome for outcome in outcomes if outcome.is_success]
    has_losses = any(outcome.losses is not None for outcome in outcomes if outcome.has_run)
    return Summary(
        group=group,
        rate=outcomes[0].case.rate,
        runs=len(outcomes),
        failures={kind: sum(outcome.status == kind for outcome in outcomes) for kind in FAILURES},
        measures={
            name: quartiles(value for outcome in good if (value := measure.of(outcome)) is not None)
            for name, measure in MEASURES.items()
        },
        times={
            (along, level): quartiles(outcome.time_to(level, along) for outcome in outcomes)
            for along in (TIMES if has_losses else ())
            for level in LEVELS
        },
        reached={level: sum(outcome.time_to(level) is not None for outcome in outcomes) for level in LEVELS},
    )
