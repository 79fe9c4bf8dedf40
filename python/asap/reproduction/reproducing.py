"""Runs the studies of a paper, and tells of them on one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from asap import _checks, datasets
from asap.datasets.files import expect_writable, write_atomically
from asap.laboratory import Comparison, compare, tidy
from asap.reproduction import medians
from asap.reproduction.page import page
from asap.reproduction.papers import studies
from asap.reproduction.study import Study

__all__ = ["Reproduction", "reproduce"]


@dataclass(frozen=True, eq=False)
class Reproduction:
    """The studies of a paper and what came of them.

    Attributes:
        paper: its key.
        results: each study with its comparison; after Ctrl-C the last is not complete, and further ones are missing.
        planned: how many studies there should be.
    """

    paper: str
    results: Sequence[tuple[Study, Comparison]]
    planned: int

    @property
    def is_complete(self) -> bool:
        """Whether all cases of all studies were run."""
        return len(self.results) == self.planned and all(result.is_complete for _, result in self.results)

    def to_dict(self) -> dict[str, Any]:
        """Return the summaries of all studies as plain values, schema "asap.reproduce/1"."""
        parts = [
            {"name": study.name, "claim": study.claim}
            | {name: value for name, value in result.to_dict().items() if name not in ("schema", "runs")}
            for study, result in self.results
        ]
        return {"schema": "asap.reproduce/1", "paper": self.paper, "studies": parts}


def reproduce(
    paper: str,
    folder: str | PathLike[str],
    *,
    quick: bool = False,
    data_dir: str | PathLike[str] | None = None,
    timeout: float | None = None,
    progress: bool | None = None,
) -> Reproduction:
    """Run a paper's evaluation again, each study into a folder of its own, with a page that sets it beside its claim.

    Called again with the same folder it goes on where it was interrupted, as `asap.compare` does.

    Args:
        paper: "icml22", "ipdps21" or "ijcai16".
        folder: where runs, tables, reports, the page index.html and the table medians.csv go.
        quick: smaller data, fewer seeds and updates: to see that everything works, not to judge a claim.
        data_dir: folder with data sets, instead of ASAP_DATA_DIR.
        timeout: as for `asap.compare`.
        progress: as for `asap.compare`.

    Raises:
        TypeError, ValueError: there is no such paper, or another argument does not fit.
        asap.datasets.DataError: a data set cannot be had.
        OSError: the folder cannot be written.
    """
    planned = studies(paper, quick)
    target = Path(_checks.path("folder", folder, "the name of a folder"))
    if data_dir is not None:
        _checks.path("data_dir", data_dir, "the name of a folder, or None")
    if timeout is not None:
        _checks.positive("timeout", timeout)
    _checks.flag_or_none("progress", progress)
    expect_writable(target / "index.html")
    results: list[tuple[Study, Comparison]] = []
    for study in planned:
        data = datasets.load(study.dataset, directory=data_dir, progress=progress)
        result = compare(
            lambda seed, study=study, data=data: study.start(data, seed),  # type: ignore[misc]
            data.train,
            validation=data.test,
            validate=study.validate,
            folder=target / study.name,
            title=study.title,
            command=f"asap reproduce {paper}{' --quick' if quick else ''}",
            timeout=timeout,
            progress=progress,
            **study.settings,
        )
        results.append((study, result))
        done = Reproduction(paper, results, len(planned))
        write_atomically(target / "index.html", [page(done.paper, done.results, done.planned).encode()])
        tidy.write(target / "medians.csv", medians.COLUMNS, medians.rows(results))
        if not result.is_complete:
            break
    return Reproduction(paper, results, len(planned))
