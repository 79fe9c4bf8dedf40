"""medians.csv: every study of a paper in one table, a row for all seeds of a case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asap.laboratory import LEVELS, Comparison
from asap.laboratory.cells import in_order
from asap.laboratory.summary import Summary, summaries
from asap.reproduction.study import Study

__all__ = ["COLUMNS", "rows"]

_GROUP = ("simulated", "engine", "step", "equal_to", "workers", "nominal")
_MEASURES = ("effective_step", "mean_tau", "loss", "validation_loss", "accuracy", "vectors_high_water")
_TIMES = ("updates", "seconds")

COLUMNS = (
    *("study", *_GROUP, "rate", "runs", "failed", *_MEASURES),
    *(f"{what}_{level:g}" for level in LEVELS for what in ("reached", *_TIMES)),
)
"""Of the ways to ε: how many seeds got there, and the medians, empty where fewer than half did."""

Cell = str | int | None


def rows(results: Sequence[tuple[Study, Comparison]]) -> Iterable[list[Cell]]:
    """Return the rows, numbers with six digits."""
    for study, result in results:
        for each in summaries(in_order(result.outcomes)):
            yield [study.name, *_row(each)]


def _row(each: Summary) -> Iterable[Cell]:
    for name in _GROUP:
        yield _cell(getattr(each.group, name))
    yield from (_cell(each.rate), each.runs, each.failed)
    for name in _MEASURES:
        yield _cell(each.median(name))
    for level in LEVELS:
        yield each.reached[level]
        for along in _TIMES:
            yield _cell(each.time(level, along))


def _cell(value: str | float | None) -> Cell:
    return f"{value:.6g}" if isinstance(value, float) else value
