"""Leashed-SGD: persistence, contention and memory."""

from __future__ import annotations

from collections.abc import Iterator

from papers.kept import Kept, Row, total, value
from papers.markdown import table, way

FILE, CONTENTION = "ipdps21-medians", "ipdps21-simulated-medians"
ENGINES = {
    "leashed:0": "Leashed, T_p = 0",
    "leashed:1": "Leashed, T_p = 1",
    "leashed": "Leashed, T_p = ∞",
    "locked": "lock-based",
    "hogwild": "Hogwild!",
}
THREADS, SIMULATED = (1, 2, 4, 8, 16), (16, 64)


def tables(kept: Kept) -> Iterator[tuple[str, str]]:
    """Return the tables with their names."""
    for model in ("mlp", "cnn"):
        for along, digits in (("seconds", ".2f"), ("updates", ",.0f")):
            yield f"ipdps21-{model}-{along}", _ways(kept, model, along, digits)
    yield "ipdps21-contention", _contention(kept)


def sentences(kept: Kept) -> Iterator[str]:
    """Return what the text says with figures."""
    rows = [row for row in kept.rows(file=FILE) if row["study"].endswith("threads")]
    assert total(rows, "failed") == 0
    yield f"No engine diverged, in {total(rows, 'runs')} runs"
    locked, *others = sorted(mlp(kept, 16), key=lambda row: row["engine"] != "locked")
    ways = [[value(row, f"{along}_0.25") for row in others] for along in ("seconds", "updates")]
    yield f"{value(locked, 'seconds_0.25'):.2f} s beside {min(ways[0]):.2f} to {max(ways[0]):.2f}"
    paces = [1000 * value(row, "seconds_0.25") / value(row, "updates_0.25") for row in (locked, *others)]
    yield f"{paces[0]:.1f} ms beside {min(paces[1:]):.1f} to {max(paces[1:]):.1f}"
    yield f"{value(locked, 'updates_0.25'):.0f} updates instead of {min(ways[1]):.0f} to {max(ways[1]):.0f}"
    alone, two = (sorted(value(row, "updates_0.25") for row in mlp(kept, m)) for m in (1, 2))
    assert alone[0] == alone[-1]
    yield f"{alone[0]:.0f} updates with one worker, {two[0]:.0f} to {two[-1]:.0f} with two"
    slowest = []
    for m in (2, 4, 8):
        seconds = [value(row, "seconds_0.25") for row in mlp(kept, m)]
        slowest.append(max(seconds) / min(seconds))
    yield "the slowest takes {:.2f}, {:.2f} and {:.2f} times as long as the fastest".format(*slowest)
    below = [max(m - 1 - value(row, "mean_tau") for row in rows if row["workers"] == str(m)) for m in THREADS[1:]]
    yield "Mean τ is below m − 1 by at most {:.2f}, {:.2f}, {:.2f} and {:.2f} with 2, 4, 8 and 16 workers".format(
        *below
    )
    vectors = [value(row, "vectors_high_water") for row in mlp(kept, 16) if row["engine"].startswith("leashed")]
    yield f"{min(vectors):.0f} to {max(vectors):.0f} vectors with m = 16"
    contended = kept.rows(file=CONTENTION)
    assert total(contended, "failed") == 0
    yield f"{total(contended, 'runs')} runs, none diverged"


def mlp(kept: Kept, workers: int) -> list[Row]:
    """Return the row of each engine on the MLP, on threads."""
    return kept.rows(file=FILE, study="mlp-mnist-threads", workers=workers)


def _ways(kept: Kept, model: str, along: str, digits: str) -> str:
    lines = []
    for engine, name in ENGINES.items():
        rows = [kept.one(file=FILE, study=f"{model}-mnist-threads", engine=engine, workers=m) for m in THREADS]
        lines.append([name, *(way(row, "0.25", along, digits) for row in rows)])
    return table(["", *(f"m = {m}" for m in THREADS)], lines)


def _contention(kept: Kept) -> str:
    lines = []
    for m in SIMULATED:
        for engine, name in ENGINES.items():
            row = kept.one(file=CONTENTION, study="mlp-mnist-simulated", engine=engine, workers=m)
            retries = engine.startswith("leashed")
            seconds = way(row, "0.25", "seconds", ".1f")
            low, high = row["seconds_0.25:low"], row["seconds_0.25:high"]
            cells = [
                seconds + (f" ({float(low):.1f}, {float(high):.1f})" if high and seconds != "–" else ""),
                f"{value(row, 'attempts') / 600:.1f}",
                f"{value(row, 'drops'):,.0f}",
                f"{value(row, 'mean_tau'):.1f}",
                f"{value(row, 'sigma_tau'):.1f}",
                f"{value(row, 'publishing'):.1f}",
                f"{value(row, 'modelled'):.1f}" if retries or engine == "hogwild" else "",
            ]
            lines.append([str(m), name, *cells])
    header = [
        "seconds (quartiles)",
        "attempts an update",
        "gradients dropped",
        "mean τ",
        "σ of τ",
        "publishing",
        "model",
    ]
    return table(["m", "", *header], lines)
