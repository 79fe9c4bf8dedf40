"""The CSV files of a laboratory: one value per row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from asap.datasets.files import write_atomically
from asap.laboratory.outcome import Outcome

__all__ = ["LOSS_COLUMNS", "MEASURE_COLUMNS", "loss_rows", "measure_rows", "write"]

_CASE = ("engine", "step", "workers", "nominal", "rate", "seed", "equal_to", "simulated")

MEASURE_COLUMNS = ("run", *_CASE, "status", "measure", "level", "value", "unit")
"""One row per run and measure; `level` is ε for the ways to it, else empty, `value` is empty where there is none."""

LOSS_COLUMNS = ("run", *_CASE, "updates", "epoch", "seconds", "loss")
"""One row per run and snapshot."""

Cell = str | int | float | None


def measure_rows(outcomes: Sequence[Outcome]) -> Iterable[list[Cell]]:
    """Return the rows of measures.csv; of a run that crashed one with its status alone."""
    for outcome in outcomes:
        start = [*_start(outcome), outcome.status]
        if not outcome.has_run:
            yield [*start, "", None, None, ""]
        for name, level, value, unit in outcome.measures():
            yield [*start, name, level, value, unit]


def loss_rows(outcomes: Sequence[Outcome]) -> Iterable[list[Cell]]:
    """Return the rows of losses.csv."""
    for outcome in outcomes:
        for row in outcome.losses or ():
            yield [*_start(outcome), row["updates"], row["epoch"], row["seconds"], row["loss"]]


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV file, all or nothing; numbers have all their digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    write_atomically(path, [text.getvalue().encode()])


def _start(outcome: Outcome) -> list[Cell]:
    case = outcome.case.to_dict()
    return [outcome.case.name, *(case[name] for name in _CASE)]
