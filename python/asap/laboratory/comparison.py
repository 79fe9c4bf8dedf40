"""The result of a comparison, and the files that tell of it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from asap import _checks
from asap._plain import dumps
from asap.datasets.files import write_atomically
from asap.laboratory import report, tidy
from asap.laboratory.outcome import Outcome
from asap.laboratory.summary import Summary, summaries

__all__ = ["Comparison"]

SCHEMA = "asap.compare/1"
REPORT = "report.html"


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """What was compared and what came of it.

    Attributes:
        outcomes: the cases with the documents of their runs, in the order of the plan; those that were run again at an
            equal effective step come last.
        planned: how many cases there should be.
        title: of the report.
        command: how to have all this again.
    """

    outcomes: Sequence[Outcome]
    planned: int
    title: str
    command: str

    @property
    def is_complete(self) -> bool:
        """Whether all cases were run; False after Ctrl-C."""
        return len(self.outcomes) == self.planned

    @property
    def is_success(self) -> bool:
        """Whether all cases were run, and none failed."""
        return self.is_complete and all(outcome.is_success for outcome in self.outcomes)

    def summaries(self) -> list[Summary]:
        """Return medians and quartiles over the seeds, a summary for each engine, step, workers and rate."""
        return summaries(self.outcomes)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values ready for strict JSON, schema "asap.compare/1"."""
        runs = [{"case": outcome.case.to_dict(), **outcome.document} for outcome in self.outcomes]
        summary = [each.to_dict() for each in self.summaries()]
        return {"schema": SCHEMA, "title": self.title, "command": self.command, "summary": summary, "runs": runs}

    def save(self, folder: str | PathLike[str]) -> Path:
        """Write summary.json, measures.csv, losses.csv, report.html and the figures into a folder; return the folder.

        Each file appears complete or not at all. Without matplotlib the report has tables only, and a RuntimeWarning
        says how to get the figures.
        """
        target = Path(_checks.path("folder", folder, "the name of a folder"))
        document = {name: value for name, value in self.to_dict().items() if name != "runs"}
        write_atomically(target / "summary.json", [dumps(document).encode()])
        tidy.write(target / "measures.csv", tidy.MEASURE_COLUMNS, tidy.measure_rows(self.outcomes))
        tidy.write(target / "losses.csv", tidy.LOSS_COLUMNS, tidy.loss_rows(self.outcomes))
        pictures = self._pictures()
        _write_figures(target / "figures", {f"{p.name}.{kind}": p.files[kind] for p in pictures for kind in p.files})
        page = report.page(self.title, self.command, self.outcomes, self.planned, pictures)
        write_atomically(target / REPORT, [page.encode()])
        return target

    def _pictures(self) -> Sequence[Any]:
        try:
            from asap.laboratory import figures

            return figures.pictures(self.outcomes, report.conditions(self.title, self.outcomes))
        except ImportError as error:
            warnings.warn(
                f"{error}; run.json, the CSV files and a report without figures were written", RuntimeWarning, 3
            )
            return ()

    def __repr__(self) -> str:
        failed = sum(not outcome.is_success for outcome in self.outcomes)
        return f"Comparison({len(self.outcomes)} of {self.planned} runs, {failed} failed)"


def _write_figures(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the figures; those of a comparison that was here before, and are no more, go."""
    for name, contents in files.items():
        write_atomically(folder / name, [contents])
    for path in folder.glob("*"):
        if path.suffix in (".svg", ".png") and path.name not in files:
            path.unlink()
