"""Staleness-aware Async-SGD: n-softsync with η and with η/τ."""

from __future__ import annotations

from collections.abc import Iterator

from papers.distributed import marked
from papers.kept import Kept, Row, value
from papers.markdown import spread, table

LEARNERS = 30


def tables(kept: Kept) -> Iterator[tuple[str, str]]:
    """Return the table of the runs on threads, and that of the runs on Ray."""
    yield "ijcai16-threads", table(["n", *_HEADER], medians(kept, "softsync-cifar-10-threads"))
    yield "ijcai16-ray", _on_ray(kept)


_HEADER = ["c", "mean τ", "error with η", "error with η/τ", "E[C]·η of that", "error with a constant η of this size"]


def medians(kept: Kept, study: str) -> list[list[str]]:
    """Return the lines of a study; empty where its medians are not kept."""
    return [_line(kept, study, n) for n in (1, 15, 30)] if kept.rows(study=study) else []


def _line(kept: Kept, study: str, n: int) -> list[str]:
    cells = (("constant", ""), ("inverse", ""), ("constant", "inverse"))
    plain, adapted, equal = (
        kept.one(study=study, engine=f"softsync:{n}", step=step, equal_to=equal_to) for step, equal_to in cells
    )
    errors = [f"{1 - value(row, 'accuracy'):.3f}" for row in (plain, adapted, equal)]
    step = f"{value(adapted, 'effective_step'):.3g}"
    return [str(n), str(LEARNERS // n), f"{value(plain, 'mean_tau'):.3g}", *errors[:2], step, errors[2]]


def _on_ray(kept: Kept) -> str:
    header = ["n", "c", "mean τ", "error with η", "error with η/τ", "simulated: mean τ", "with η", "with η/τ"]
    lines, short = [], False
    for n in (1, 15, 30):
        cells = [str(n), str(LEARNERS // n)]
        for study in ("softsync-cifar-10-ray", "softsync-cifar-10-ray-simulated"):
            rows = [kept.one(study=study, engine=f"softsync:{n}", step=step) for step in ("constant", "inverse")]
            cells += [f"{value(rows[0], 'mean_tau'):.3g}", *(_error(row) for row in rows)]
            short = short or any(float(row["epochs"]) < 1 for row in rows)
        lines.append(cells)
    return table(marked(header, short), lines)


def _error(row: Row) -> str:
    """The median; with the least and the largest, if there are several runs."""
    errors = [1 - value(row, name) for name in ("accuracy", "accuracy:high", "accuracy:low")]
    return f"{errors[0]:.3f}" if row["runs"] == "1" else spread(errors[1:], errors[0], ".3f")


def sentences(kept: Kept) -> Iterator[str]:
    """Return what the text says with figures."""
    study = "softsync-cifar-10-threads"
    gains, shorter = [], []
    for n in (1, 15, 30):
        adapted = kept.one(study=study, engine=f"softsync:{n}", step="inverse")
        equal = kept.one(study=study, engine=f"softsync:{n}", step="constant", equal_to="inverse")
        gains.append(value(adapted, "accuracy") - value(equal, "accuracy"))
        shorter.append(100 * (1 - value(adapted, "effective_step") / float(adapted["rate"])))
    yield f"takes {min(shorter):.0f} to {max(shorter):.0f} % off the mean step"
    yield "by {:.3f}, {:.3f} and {:.3f} in the median".format(*gains)
