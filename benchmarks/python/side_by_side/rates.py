"""Updates per second of asap and others, in turns."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from side_by_side.figures import Row, cells, in_turns
from side_by_side.forms import Form
from side_by_side.process import AbsentError, Process
from side_by_side.reference import Reference

RATE = 0.01  # which no figure depends on


def usable(cores: int) -> tuple[int, ...]:
    """Return that many of the processors this process may use."""
    cpus = sorted(os.sched_getaffinity(0))
    if cores > len(cpus):
        raise SystemExit(f"--cores must be at most {len(cpus)}, what this process may use; got {cores}")
    return tuple(cpus[:cores])


def tell(text: str) -> None:
    """Show progress."""
    print(text, file=sys.stderr, flush=True)


@dataclass
class Bench:
    """Where contenders are started, and the versions of those met."""

    reference: Reference
    versions: dict[str, str] = field(default_factory=dict)

    def process(self, form: Form, model: str, batch: int, cores: int) -> Process:
        """Return a contender's process, to be entered."""
        return Process(form, self.reference.folder, model, batch, usable(cores))

    def begin(self, contender: Process, model: str, rate: float, seed: int) -> None:
        """Note its versions, and let it start from fresh parameters."""
        self.versions |= contender.versions
        contender.ask("restart", self.reference.start(model, seed), rate, seed)


@dataclass(frozen=True)
class Rates:
    """The comparison.

    Attributes:
        bench: where they run.
        repeats: pairs per comparison, one uncounted pair aside.
        seconds: of each turn.
    """

    bench: Bench
    repeats: int
    seconds: float

    def compare(self, ours: Form, others: Iterable[Form], model: str, batch: int, cores: int) -> Iterator[Row]:
        """Compare one form of asap with each of the others."""
        with self.bench.process(ours, model, batch, cores) as asap:
            self.bench.begin(asap, model, RATE, 0)
            for form in others:
                row = self._measured(asap, form, Row(model, batch, cores, form.peer, form.name))
                tell("  ".join(filter(None, cells(row))))
                yield row

    def _measured(self, asap: Process, form: Form, row: Row) -> Row:
        try:
            with self.bench.process(form, row.model, row.batch, row.cores) as peer:
                self.bench.begin(peer, row.model, RATE, 0)
                turns = in_turns(self.repeats, lambda: asap.rate(self.seconds), lambda: peer.rate(self.seconds))
                return replace(row, pairs=turns)
        except AbsentError as absence:
            return replace(row, absent=str(absence))
