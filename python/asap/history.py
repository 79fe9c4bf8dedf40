"""The history of a run: one row per epoch."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from asap import _checks

__all__ = ["COLUMNS", "History", "Row"]

Row = dict[str, int | float | None]
"""One row: column → value; None where there is none."""

COLUMNS = {
    "epoch": "epochs of data worked on so far; a fraction in a last row within an epoch",
    "updates": "updates published so far",
    "seconds": "since the workers started; virtual in a simulated run",
    "loss": "mean training loss of the gradients since the row before",
    "validation_loss": "on a snapshot at the end of the epoch; None without validation data",
    "accuracy": "share of validation samples classified rightly; None without validation labels",
    "effective_step": "mean of η · C(τ) since the row before",
    "mean_tau": "mean τ of the updates since the row before",
    "attempts": "tries to publish since the row before",
    "drops": "gradients given up after the persistence bound, since the row before",
    "rejections": "gradients with C(τ) = 0, since the row before",
}
_COUNTS = ("updates", "attempts", "drops", "rejections")


class History(Sequence[Row]):
    """A sequence of rows; `history["loss"]` is a column as an array, `history[-1]["loss"]` its last value.

    Columns of counts are int64 arrays, the others float64 with NaN where a row has no value. The columns are:
    epoch, updates, seconds, loss (training), validation_loss, accuracy, effective_step, mean_tau, attempts, drops and
    rejections; `asap.history.COLUMNS` says what each means.
    """

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self._rows = list(rows)

    def _append(self, row: Row) -> None:
        self._rows.append(row)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(COLUMNS)

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> list[Row]: ...
    @overload
    def __getitem__(self, key: str) -> NDArray[Any]: ...
    def __getitem__(self, key: int | slice | str) -> Row | list[Row] | NDArray[Any]:
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, slice):
            return [dict(row) for row in self._rows[key]]
        return dict(self._rows[self._index(key)])

    def _index(self, key: object) -> int:
        try:
            index = operator.index(key)  # type: ignore[arg-type]  # what else there is has no index
        except TypeError:
            accepted = "row must be an integer, a slice, or a column's name"
            raise TypeError(f"{accepted}; got {_checks.shown(key)}") from None
        if not -len(self) <= index < len(self):
            raise IndexError(f"row must be one of the {len(self)} rows of the history; got {index}")
        return index

    def _column(self, name: str) -> NDArray[Any]:
        if name not in COLUMNS:
            raise KeyError(f"column must be one of {', '.join(COLUMNS)}; got {name!r}")
        values = [row[name] for row in self._rows]
        if name in _COUNTS:
            return np.array(values, np.int64)
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def __repr__(self) -> str:
        lines = ["  ".join(f"{name:>{_width(name)}}" for name in COLUMNS)]
        lines += ["  ".join(f"{_cell(row[name]):>{_width(name)}}" for name in COLUMNS) for row in self._rows]
        return "\n".join(lines)


def row_of(record: dict[str, Any], has_classes: bool) -> Row:
    """Return the row of an epoch record of the core."""
    counts = record["counts"]
    loss, accuracy, _ = record["validation"] or (None, None, 0)
    return {
        "epoch": record["epoch"],
        "updates": record["updates"],
        "seconds": record["seconds"],
        "loss": record["training_loss"],
        "validation_loss": loss,
        "accuracy": accuracy if has_classes else None,
        "effective_step": record["effective_step"],
        "mean_tau": record["mean_tau"],
        "attempts": counts["attempts"],
        "drops": counts["dropped"],
        "rejections": counts["rejected"],
    }


def _width(name: str) -> int:
    return max(8, len(name))


def _cell(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
