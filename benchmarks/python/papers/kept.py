"""The kept medians: a row for all seeds of a case, from every benchmarks/results/*-medians-*.csv."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "results"

Row = dict[str, str]


def number(row: Row, name: str) -> float | None:
    """Return a value of a row; None where it has none, as of a median that fewer than half of the runs reached."""
    return float(row[name]) if row[name] else None


def value(row: Row, name: str) -> float:
    """Return a value that must be there."""
    found = number(row, name)
    assert found is not None, (row["study"], name)
    return found


def mean_scale(row: Row) -> float | None:
    """Return E[C]; None when no run succeeded."""
    effective = number(row, "effective_step")
    return None if effective is None else effective / float(row["rate"])


class Kept:
    """The rows of some files.

    Args:
        rows: of each file.
    """

    def __init__(self, rows: dict[str, list[Row]]) -> None:
        self._files = rows

    @classmethod
    def read(cls, folder: Path = RESULTS) -> Kept:
        """Read all files of medians."""
        rows: dict[str, list[Row]] = {}
        for path in sorted(folder.glob("*-medians-*.csv")):
            with path.open() as file:
                rows[path.name] = list(csv.DictReader(file))
        return cls(rows)

    def files(self) -> Iterator[tuple[str, list[Row]]]:
        """Return each file's name with its rows."""
        return iter(self._files.items())

    def rows(self, *, file: str = "", **fields: object) -> list[Row]:
        """Return the rows with these fields, of the files whose name begins so."""
        wanted = {name: str(each) for name, each in fields.items()}
        found = (row for name, rows in self._files.items() if name.startswith(file) for row in rows)
        return [row for row in found if all(row[name] == each for name, each in wanted.items())]

    def one(self, *, file: str = "", **fields: object) -> Row:
        """Return the one row with these fields, at the step's own rate unless they say otherwise."""
        found = self.rows(file=file, **{"equal_to": "", **fields})
        if len(found) != 1:
            raise LookupError(f"there must be one row with {fields} in {file}*; found {len(found)}")
        return found[0]


def total(rows: Iterable[Row], name: str) -> int:
    """Return the sum of a count over rows."""
    return sum(int(row[name]) for row in rows)
