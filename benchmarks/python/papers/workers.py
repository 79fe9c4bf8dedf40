"""ASAP.SGD on MNIST with one, four and eight threads as well, on a machine that others used meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

from papers.kept import Kept, Row, mean_scale, number, total, value
from papers.markdown import ENGINES, STEPS, geometric_mean, spread, table, way

FILE = "icml22-workers-medians"
LEVELS = {"mlp": ("0.5", "0.25"), "lenet": ("0.25", "0.1")}
NAMES = {"mlp": "MLP", "lenet": "LeNet"}
WORKERS = (1, 4, 8)
SEVERAL = WORKERS[1:]


def tables(kept: Kept) -> Iterator[tuple[str, str]]:
    """Return the table with its name."""
    lines = []
    for model, levels in LEVELS.items():
        for engine, name in ENGINES.items():
            for level in levels:
                rows = [[_row(kept, model, engine, step, m) for m in WORKERS] for step in STEPS]
                cells = [" / ".join(way(row, level, "updates") for row in each) for each in rows]
                lines.append([NAMES[model], name, f"{100 * float(level):g} %", *cells])
    yield "icml22-workers", table(["", "", "ε", *STEPS.values()], lines)


def sentences(kept: Kept) -> Iterator[str]:
    """Return what the text says with figures."""
    rows = kept.rows(file=FILE)
    assert total(rows, "failed") == 0
    yield f"{total(rows, 'runs')} runs, none diverged"
    for model in LEVELS:
        alone = [_row(kept, model, engine, step, 1) for engine in ENGINES for step in STEPS if step != "tail:exclusive"]
        assert len({row["loss"] for row in alone}) == 1
    for m in SEVERAL:
        constant = kept.rows(file=FILE, step="constant", workers=m)
        taus, sigmas = ([value(row, name) for row in constant] for name in ("mean_tau", "sigma_tau"))
        yield f"{min(taus):.1f} to {max(taus):.1f} with σ {min(sigmas):.0f} to {max(sigmas):.0f} (m = {m})"
    for step in ("inverse-plus-one", "fleet", "tail", "tail:exclusive"):
        scales = [mean_scale(row) or 0.0 for m in SEVERAL for row in kept.rows(file=FILE, step=step, workers=m)]
        ratios = list(_ratios(kept, step))
        means = f"{min(scales):.2f} to {max(scales):.2f}"
        yield f"{STEPS[step]}: {spread(ratios, geometric_mean(ratios))}, with E[C] {means}"


def _ratios(kept: Kept, step: str) -> Iterator[float]:
    """Return the updates of a step by those of a constant one, with several workers, to the lower ε."""
    for model, (_, level) in LEVELS.items():
        for engine in ENGINES:
            for m in SEVERAL:
                own, constant = (
                    number(_row(kept, model, engine, each, m), f"updates_{level}") for each in (step, "constant")
                )
                if own is not None and constant is not None:
                    yield own / constant


def _row(kept: Kept, model: str, engine: str, step: str, workers: int) -> Row:
    return kept.one(file=FILE, study=f"{model}-mnist-threads", engine=engine, step=step, workers=workers)
