"""ASAP.SGD: LeNet on MNIST with one, four and eight threads as well, on a machine that others used meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from papers.kept import Kept, Row, total
from papers.markdown import ENGINES, STEPS, table, way

FILE, LEVELS = "icml22-workers-medians", ("0.25", "0.1")
WORKERS = (1, 4, 8)


def tables(kept: Kept) -> Iterator[tuple[str, str]]:
    """Return the table with its name."""
    lines = []
    for engine, name in ENGINES.items():
        for level in LEVELS:
            rows = [[_row(kept, engine, step, m) for m in WORKERS] for step in STEPS]
            cells = [" / ".join(way(row, level, "updates") for row in each) for each in rows]
            lines.append([name, f"{100 * float(level):g} %", *cells])
    yield "icml22-workers", table(["LeNet, MNIST", "ε", *STEPS.values()], lines)


def sentences(kept: Kept) -> Iterator[str]:
    """Return what the text says with figures."""
    yield f"{total(kept.rows(file=FILE), 'runs')} runs"


def _row(kept: Kept, engine: str, step: str, workers: int) -> Row:
    return kept.one(file=FILE, study="lenet-mnist-threads", engine=engine, step=step, workers=workers)
