"""How a run was simulated: its laws, its numbers of workers, and how long things took in virtual time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from asap import _checks
from asap._plain import plain
from asap.laws import Law, as_law

__all__ = ["Simulation"]

MAX_WORKERS = 65_536  # a trace has no more

FIGURES = ("compute_seconds", "publish_seconds", "publishing")
"""What a simulation reports of its virtual time."""


@dataclass(frozen=True)
class Simulation:
    """How a run was simulated; all seconds are virtual.

    Attributes:
        compute: law of the time from a worker's read to the end of its gradient.
        publish: law of the time of an attempt to publish.
        team: (seconds, workers): so many workers from this moment on; the first one is at 0.
        row_every: published updates from one row of the history to the next; None: an epoch.
        memory_limit: in bytes; None: most of the machine's memory.
        compute_seconds: T_c, the mean of what `compute` gave.
        publish_seconds: T_u, the mean of what `publish` gave.
        publishing: workers between the end of a gradient and what became of it, the mean over time.
    """

    compute: Law
    publish: Law
    team: tuple[tuple[float, int], ...]
    row_every: int | None = None
    memory_limit: int | None = None
    compute_seconds: float = 0.0
    publish_seconds: float = 0.0
    publishing: float = 0.0

    @property
    def workers(self) -> int:
        """The largest number of workers at any time."""
        return max(workers for _, workers in self.team)

    @property
    def first_workers(self) -> int:
        """How many workers begin."""
        return self.team[0][1]

    @property
    def modelled(self) -> float:
        """What the papers' model says of `publishing`: m / (T_c/T_u + 1), with the largest m."""
        return self.workers * self.publish_seconds / ((self.compute_seconds + self.publish_seconds) or 1.0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON; `modelled` too."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)} | {"modelled": self.modelled}

    def _to_core(self) -> dict[str, Any]:
        """Return the arguments of the core that it stands for."""
        return {
            "team": list(self.team[1:]),
            "compute": self.compute._to_core(),
            "publish": self.publish._to_core(),
            "memory_limit": _most_memory() if self.memory_limit is None else self.memory_limit,
            "row_every": self.row_every,
        }

    def _with(self, report: Mapping[str, Any]) -> Simulation:
        """Return it with the times that the core reported."""
        return replace(self, **{name: report[name] for name in FIGURES})


def checked_simulation(
    compute: object, publish: object, team: tuple[tuple[float, int], ...], row_every: object, memory_limit: object
) -> Simulation:
    """Check what `asap.simulate` was given."""
    return Simulation(
        compute=as_law("compute", compute),
        publish=as_law("publish", publish),
        team=team,
        row_every=None if row_every is None else _checks.integer("row_every", row_every, 1),
        memory_limit=None if memory_limit is None else _checks.integer("memory_limit", memory_limit, 1),
    )


def checked_team(workers: Mapping[float, int]) -> tuple[tuple[float, int], ...]:
    """Return numbers of workers by the seconds from which they hold, in order."""
    accepted = "a finite number of seconds ≥ 0"
    team = sorted(
        (
            _checks.number("a key of workers", seconds, accepted, lambda x: x >= 0.0),
            _checks.integer("workers", count, 1, MAX_WORKERS),
        )
        for seconds, count in workers.items()
    )
    if not team or team[0][0] != 0.0:
        raise ValueError(f"workers must say how many there are from second 0 on; got {dict(workers)!r:.60}")
    return tuple(team)


def _most_memory() -> int:
    """Return three quarters of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4
