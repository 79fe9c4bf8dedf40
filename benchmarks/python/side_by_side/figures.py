"""Ratios of figures taken in turns, and the tables that show them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Pairs = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Row:
    """asap and one form of a peer on one problem.

    Attributes:
        model: "mlp" or "lenet".
        batch: samples in a gradient.
        cores: how many both may use.
        peer: the library.
        form: how it was used.
        pairs: updates per second of asap and of the peer, in turns.
        absent: why there are no pairs; empty when there are.
    """

    model: str
    batch: int
    cores: int
    peer: str
    form: str
    pairs: Pairs = ()
    absent: str = ""

    @property
    def asap(self) -> float:
        """Median of asap's updates per second."""
        return median(ours for ours, _ in self.pairs)

    @property
    def theirs(self) -> float:
        """Median of the peer's updates per second."""
        return median(theirs for _, theirs in self.pairs)

    @property
    def ratios(self) -> list[float]:
        """asap's figure over the peer's, pair by pair, in ascending order."""
        return sorted(ours / theirs for ours, theirs in self.pairs)

    @property
    def contest(self) -> tuple[str, int, int, str]:
        """What the forms of which the best counts have in common."""
        return self.model, self.batch, self.cores, self.peer

    def plain(self) -> dict[str, Any]:
        """Return it as a row of the result file."""
        row: dict[str, Any] = dict(zip(("model", "batch", "cores", "peer"), self.contest, strict=True), form=self.form)
        if self.absent:
            return row | {"absent": self.absent}
        return row | {"asap": self.asap, "peer_updates_per_second": self.theirs, "ratios": self.ratios}


def in_turns(repeats: int, ours: Callable[[], float], theirs: Callable[[], float]) -> Pairs:
    """Return the figures of A B A B …, after one uncounted pair."""
    return tuple([(ours(), theirs()) for _ in range(repeats + 1)][1:])


def best(rows: Iterable[Row]) -> list[Row]:
    """Return, of each peer on each problem, the form that asap leads by least; absent ones have none."""
    leaders: dict[tuple[str, int, int, str], Row] = {}
    for row in rows:
        if not row.absent and (row.contest not in leaders or _lead(row) < _lead(leaders[row.contest])):
            leaders[row.contest] = row
    return list(leaders.values())


def _lead(row: Row) -> float:
    return median(row.ratios)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as text, the best form of each peer marked with a star."""
    marked = best(rows)
    head = ("model", "batch", "cores", "peer", "form", "", "asap", "peer", "ratio", "min – max")
    return aligned([head, *(cells(row, row in marked) for row in rows)], left=(0, 3, 4, 5))


def cells(row: Row, is_best: bool = False) -> tuple[str, ...]:
    """Return what the table says of a row."""
    known = (row.model, str(row.batch), str(row.cores), row.peer, row.form)
    if row.absent:
        return (*known, "", "–", "–", "–", f"absent: {row.absent}")
    spread = f"{row.ratios[0]:.2f} – {row.ratios[-1]:.2f}"
    figures = (f"{row.asap:,.0f}", f"{row.theirs:,.0f}", f"{_lead(row):.2f}", spread)
    return (*known, "*" if is_best else "", *figures)


def aligned(lines: Sequence[Sequence[str]], left: Iterable[int]) -> str:
    """Return lines of cells as text in columns, which are right-aligned but for those named; the last one is ragged."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    flush = set(left)

    def cell(i: int, text: str) -> str:
        if i == len(widths) - 1:
            return text
        return text.ljust(widths[i]) if i in flush else text.rjust(widths[i])

    return "\n".join("  ".join(cell(i, text) for i, text in enumerate(line)).rstrip() for line in lines)
