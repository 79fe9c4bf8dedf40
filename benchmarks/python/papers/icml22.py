"""ASAP.SGD: steps beside a constant one, on threads and in virtual time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

from papers.kept import Kept, Row, mean_scale, number, total, value
from papers.markdown import ENGINES, STEPS, geometric_mean, spread, table, way

FILE = "icml22-medians"
LEVELS = ("0.75", "0.5", "0.25", "0.1", "0.05", "0.025")
NAMES = {"mlp": "MLP", "lenet": "LeNet", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "cifar-10": "CIFAR-10"}
PAIRS = {
    ("mlp", "mnist"): "0.25",
    ("mlp", "fashion-mnist"): "0.25",
    ("mlp", "cifar-10"): "0.75",
    ("lenet", "mnist"): "0.1",
    ("lenet", "fashion-mnist"): "0.25",
    ("lenet", "cifar-10"): "0.75",
}
"""Networks and sets, with the ε that tables ask for: the least that a constant step reaches on two threads."""

THREADS, SIMULATED = (2, 16), (8, 32, 128)
ADAPTIVE = [step for step in STEPS if step != "constant"]


def tables(kept: Kept) -> Iterator[tuple[str, str]]:
    """Return the tables with their names."""
    yield "icml22-threads-updates", _ways(kept, "threads", THREADS, "updates")
    yield "icml22-threads-milliseconds", _ways(kept, "threads", THREADS, "seconds", factor=1000.0)
    yield "icml22-threads-scales", _scales(kept, "threads", THREADS, ".2f")
    yield "icml22-threads-ratios", _ratios(kept, "threads", THREADS)
    yield "icml22-simulated-updates", _ways(kept, "simulated", SIMULATED, "updates")
    yield "icml22-simulated-seconds", _ways(kept, "simulated", SIMULATED, "seconds", digits=",.1f")
    yield "icml22-simulated-scales", _scales(kept, "simulated", SIMULATED, ".3f")
    yield "icml22-simulated-ratios", _ratios(kept, "simulated", SIMULATED[:2])
    yield "icml22-levels", _levels(kept)
    yield "icml22-many", _many(kept)


def sentences(kept: Kept) -> Iterator[str]:
    """Return what the text says with figures."""
    threads = [row for row in kept.rows(file=FILE) if row["study"].endswith("threads")]
    simulated = [row for row in kept.rows(file=FILE) if row["study"].endswith("simulated")]
    yield f"(studies `*-threads`, {total(threads, 'runs')} runs; none diverged"
    assert total(threads, "failed") == 0
    yield f"(studies `*-simulated`, {total(simulated, 'runs'):,} runs; †₄: four of five diverged)"
    first = [_firsts(kept, workers, "tail:exclusive") for workers in THREADS]
    yield f"comes first in {first[0]} of the 18 rows with two workers and in {first[1]} with sixteen"
    means = {m: [mean_scale(row) for row, _ in rows_of(kept, "threads", m, "tail:exclusive")] for m in THREADS}
    yield "{:.2f} and {:.2f} times as long".format(*(median(found) for found in means.values()))
    small = [mean_scale(row) for row, _ in rows_of(kept, "threads", 2, "tail")]
    yield f"the run may be another: {min(small):.2f} to {max(small):.2f}"
    yield from _rejecting(kept)
    fewer = [100 * (1 - geometric_mean(ratios(kept, "simulated", m, "tail", "updates"))) for m in (8, 32)]
    yield f"takes {min(fewer):.0f} to {max(fewer):.0f} % fewer updates than a constant step"
    every = [ratios(kept, "simulated", m, "tail", "updates", level) for m in (8, 32) for level in LEVELS]
    means_of = [100 * (geometric_mean(each) - 1) for each in every if each]
    yield f"over all ε it is {-min(means_of):.0f} % fewer to {max(means_of):.0f} % more"
    accuracies = {
        step: sorted(
            value(row, "accuracy") for row in _many_rows(kept, step) if row["study"] == "lenet-mnist-simulated"
        )
        for step in ("inverse-plus-one", "constant")
    }
    low, _, high = accuracies["inverse-plus-one"]
    two, also, other = accuracies["constant"]
    assert f"{two:.2f}" == f"{also:.2f}"
    yield f"an accuracy of {low:.2f} to {high:.2f}"
    yield f"where a constant step has {two:.2f} with two of them and {other:.2f} with Hogwild!"
    diverged = [
        [row for row in simulated if row["study"] == f"mlp-{name}-simulated" and _is_full_step(row)]
        for name in ("mnist", "fashion-mnist", "cifar-10")
    ]
    assert [total(rows, "runs") for rows in diverged] == [45, 45, 45]
    none, some, every = (total(rows, "failed") for rows in diverged)
    assert (none, every) == (0, 45)
    yield f"(of the MLP's 45 runs with them {some} on Fashion-MNIST and all on CIFAR-10)"
    off = max(abs(value(row, "effective_step") / float(row["rate"]) - 1) for row in _many_rows(kept, "tail"))
    yield f"The mean step is the same, to {100 * off:.2f} %."


def rows_of(kept: Kept, where: str, workers: int, step: str) -> list[tuple[Row, str]]:
    """Return the row of each engine, network and set, with its ε."""
    return [
        (kept.one(file=FILE, study=f"{model}-{data}-{where}", engine=engine, step=step, workers=workers), level)
        for (model, data), level in PAIRS.items()
        for engine in ENGINES
    ]


def ratios(kept: Kept, where: str, workers: int, step: str, along: str, level: str | None = None) -> list[float]:
    """Return the ways of a step to ε by those of a constant one, where both got there."""
    pairs = zip(rows_of(kept, where, workers, step), rows_of(kept, where, workers, "constant"), strict=True)
    both = [(number(a, f"{along}_{level or at}"), number(b, f"{along}_{level or at}")) for (a, at), (b, _) in pairs]
    return [own / constant for own, constant in both if own is not None and constant is not None]


def _ways(kept: Kept, where: str, workers: Sequence[int], along: str, digits: str = ",.0f", factor: float = 1.0) -> str:
    lines = []
    for (model, data), level in PAIRS.items():
        for engine, name in ENGINES.items():
            rows = [
                [
                    kept.one(file=FILE, study=f"{model}-{data}-{where}", engine=engine, step=step, workers=m)
                    for m in workers
                ]
                for step in STEPS
            ]
            cells = [" / ".join(way(row, level, along, digits, factor) for row in each) for each in rows]
            lines.append([f"{NAMES[model]}, {NAMES[data]}", name, f"{100 * float(level):g} %", *cells])
    return table(["", "", "ε", *STEPS.values()], lines)


def _scales(kept: Kept, where: str, workers: Sequence[int], digits: str) -> str:
    def cell(m: int, step: str) -> str:
        found = [scale for row, _ in rows_of(kept, where, m, step) if (scale := mean_scale(row)) is not None]
        return "1" if step == "constant" else spread(found, median(found), digits)

    header = ["E[C], median (least, largest cell)", *STEPS.values()]
    return table(header, [[f"m = {m}", *(cell(m, step) for step in STEPS)] for m in workers])


def _ratios(kept: Kept, where: str, workers: Sequence[int]) -> str:
    lines = []
    for m in workers:
        for step in ADAPTIVE:
            updates, seconds = (ratios(kept, where, m, step, along) for along in ("updates", "seconds"))
            shown = [spread(each, geometric_mean(each)) if each else "–" for each in (updates, seconds)]
            fewer = f"{sum(ratio < 1 for ratio in updates)} of {len(updates)}" if updates else "–"
            lines.append([str(m), STEPS[step], *shown, fewer])
    return table(["m", "step", "updates", "seconds", "fewer updates in"], lines)


def _levels(kept: Kept) -> str:
    """How TAIL-τ compares at every ε, not only at that of the other tables."""
    lines = []
    for where, workers in (("threads", THREADS), ("simulated", SIMULATED)):
        for m in workers:
            for step in ("tail", "tail:exclusive"):
                cells = [ratios(kept, where, m, step, "updates", level) for level in LEVELS]
                shown = [f"{geometric_mean(each):.2f} ({len(each)})" if each else "–" for each in cells]
                lines.append([where, str(m), STEPS[step], *shown])
    return table(["", "m", "step", *(f"{100 * float(level):g} %" for level in LEVELS)], lines)


def _many_rows(kept: Kept, step: str) -> list[Row]:
    return [row for row, _ in rows_of(kept, "simulated", 128, step) if row["study"].startswith("lenet")]


def _many(kept: Kept) -> str:
    """128 workers: which precisions are reached, and how the runs end."""
    lines = []
    for step in ("constant", "tail", "inverse-plus-one"):
        for data in ("mnist", "fashion-mnist", "cifar-10"):
            rows = [row for row in _many_rows(kept, step) if row["study"] == f"lenet-{data}-simulated"]
            parts = [
                *(" / ".join(row[f"reached_{level}"] for row in rows) for level in ("0.75", "0.5", "0.25")),
                " / ".join(row["failed"] for row in rows),
                *(" / ".join(f"{value(row, name):.2f}" for row in rows) for name in ("loss", "accuracy")),
            ]
            lines.append([STEPS[step], NAMES[data], *parts])
    return table(["step", "LeNet on", "75 %", "50 %", "25 %", "diverged", "training loss", "accuracy"], lines)


def _firsts(kept: Kept, workers: int, step: str) -> int:
    """In how many rows a step needs the fewest updates."""
    found = {each: rows_of(kept, "threads", workers, each) for each in STEPS}
    ways = {each: [number(row, f"updates_{level}") for row, level in rows] for each, rows in found.items()}
    best = [min(each for each in column if each is not None) for column in zip(*ways.values(), strict=True)]
    return sum(own == least for own, least in zip(ways[step], best, strict=True))


def _rejecting(kept: Kept) -> Iterator[str]:
    sets = ("lenet-mnist-threads", "lenet-fashion-mnist-threads")
    taus = {
        step: [value(row, "mean_tau") for row, _ in rows_of(kept, "threads", 16, step) if row["study"] in sets]
        for step in ("constant", "tail")
    }
    assert {round(tau) for tau in taus["constant"]} == {14}
    yield f"falls from 14 to {min(taus['tail']):.0f} to {max(taus['tail']):.0f}"


def _is_full_step(row: Row) -> bool:
    return row["workers"] == "128" and row["step"] in ("constant", "tail", "tail:exclusive")
