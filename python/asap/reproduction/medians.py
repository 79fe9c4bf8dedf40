"""medians.csv: every study of a paper in one table, a row for all seeds of a case."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from asap.laboratory import LEVELS, Comparison
from asap.laboratory.cells import in_order
from asap.laboratory.summary import Quartiles, Summary, summaries
from asap.reproduction.study import Study

__all__ = ["COLUMNS", "rows"]

_GROUP = ("simulated", "engine", "step", "equal_to", "workers", "nominal")
_MEASURES = (
    *("effective_step", "mean_tau", "sigma_tau", "loss", "validation_loss", "accuracy"),
    *("updates_per_second", "attempts", "drops", "rejected", "vectors_high_water", "publishing", "modelled"),
)
_TIMES = ("updates", "seconds")
_QUARTILES = ("", ":low", ":high")
_NONE = Quartiles(math.inf, math.inf, math.inf)


def _with_quartiles(*names: str) -> list[str]:
    return [f"{name}{which}" for name in names for which in _QUARTILES]


def _ways_to(level: float) -> list[str]:
    return [f"reached_{level:g}", *_with_quartiles(*(f"{what}_{level:g}" for what in _TIMES))]


COLUMNS = (
    *("study", *_GROUP, "rate", "runs", "failed"),
    *_with_quartiles(*_MEASURES),
    *(column for level in LEVELS for column in _ways_to(level)),
)
"""A measure has its name, its quartiles that name with `:low` and `:high`. Of the ways to ε: how many seeds got there,
and the quartiles over all, empty where too few did."""

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
        yield from _cells(each.measures[name])
    for level in LEVELS:
        yield each.reached[level]
        for along in _TIMES:
            yield from _cells(each.times.get((along, level)))


def _cells(found: Quartiles | None) -> Iterable[Cell]:
    """Return median, lower and upper quartile, in the order of `_QUARTILES`."""
    low, median, high = found or _NONE
    return (_cell(value) for value in (median, low, high))


def _cell(value: str | float | None) -> Cell:
    if isinstance(value, float):
        return f"{value:.6g}" if math.isfinite(value) else None
    return value
