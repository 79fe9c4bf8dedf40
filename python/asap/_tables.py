"""The tables of the command line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Group
from rich.table import Table

from asap._numerals import number
from asap.benchmark import Benchmark
from asap.datasets import SetStatus
from asap.framework import Properties
from asap.laboratory import case
from asap.laboratory.summary import Summary
from asap.replayer import Replay
from asap.reproduction.reproducing import Reproduction
from asap.run import Run
from asap.staleness import StalenessDistribution

PLAIN_WIDTH = 140  # where the output is no terminal that has a width

_KIBIBYTE = 1 << 10
_MEBIBYTE = 1 << 20


def history(run: Run) -> Table:
    """Return a run's history, its outcome in the title."""
    table = _table(
        f"{type(run.model).__name__}, {run.config.engine}, m = {run.config.workers}: {run.status}",
        "epoch",
        "updates",
        "seconds",
        "loss",
        "test\nloss",
        "accuracy",
        "effective\nstep",
        "mean τ",
    )
    for row in run.history:
        table.add_row(
            _number(row["epoch"], ".4g"),
            _number(row["updates"], ",d"),
            _number(row["seconds"], ".2f"),
            _number(row["loss"], ".4g"),
            _number(row["validation_loss"], ".4g"),
            _number(row["accuracy"], ".4f"),
            _number(row["effective_step"], ".4g"),
            _number(row["mean_tau"], ".2f"),
        )
    return table


def replay(run: Run, replayed: Replay) -> Table:
    """Return what a replay found."""
    table = _table(f"{run.config.engine}, m = {run.config.workers}: replayed", "updates", "seconds", "bits", "distance")
    bits = "identical" if replayed.identical else "differ" if replayed.exact else "approximate"
    table.add_row(
        _number(replayed.updates, ",d"), _number(replayed.seconds, ".2f"), bits, _number(replayed.distance, ".3g")
    )
    return table


def comparison(summaries: Sequence[Summary]) -> Table:
    """Return a row per engine, step, number of workers and rate."""
    return _comparison("Medians over seeds", ((each.group, each.runs, each) for each in summaries), ())


def reproduction(result: Reproduction) -> Group:
    """Return a table per study."""
    return Group(
        *(
            _comparison(study.title, ((each.group, each.runs, each) for each in found.summaries()), ())
            for study, found in result.results
        )
    )


def laboratory(
    head: str, expected: Mapping[case.Group, int], found: Mapping[case.Group, Summary], running: Collection[case.Group]
) -> Table:
    """Return the same while runs are still to come: `expected` counts them, `running` is marked."""
    return _comparison(head, ((group, runs, found.get(group)) for group, runs in expected.items()), running)


def _comparison(
    title: str, rows: Iterable[tuple[case.Group, int, Summary | None]], running: Collection[case.Group]
) -> Table:
    shown = {
        "seconds": ".2f",
        "updates_per_second": "",
        "validation_loss": ".4g",
        "accuracy": ".4f",
        "mean_tau": ".2f",
        "effective_step": ".4g",
    }
    heads = "seconds", "updates/s", "test\nloss", "accuracy", "mean τ", "effective\nstep"
    table = _table(title, "engine", "step", "m", "rate", "runs", "failed", *heads, left=2)
    for group, runs, summary in rows:
        engine = group.engine if group.simulated is None else f"{group.engine} ({group.simulated})"
        rate = group.nominal if summary is None else summary.rate
        done = f"{summary.runs if summary else 0} of {runs}" + (" ←" if group in running else "")
        failed = str(summary.failed) if summary else "–"
        figures = (_number(summary.median(name) if summary else None, form) for name, form in shown.items())
        table.add_row(engine, group.label, str(group.workers), f"{rate:.4g}", done, failed, *figures)
    return table


def data_sets(statuses: Sequence[SetStatus]) -> Table:
    """Return a row per data set."""
    table = _table(None, "name", "MiB", "place", "what it is", left=1)
    for status in statuses:
        size = _number(status.size_bytes / _MEBIBYTE, ".1f") if status.size_bytes else "–"
        table.add_row(status.name, size, str(status.place or "–"), status.source or status.problem)
    for column in table.columns[2:]:
        column.justify = "left"
    return table


def machine(values: Mapping[str, Any]) -> Table:
    """Return names and values of what the machine and the build are."""
    shown = {
        **values,
        "nodes": "; ".join(f"{node['node']} with CPUs {node['cpus']}" for node in values["nodes"]),
        "caches": [_cache(kind) for kind in values["caches"]] or "unknown",
        "cpu_quota": "none" if values["cpu_quota"] is None else f"{values['cpu_quota']:.4g} CPUs",
    }
    table = _table(None, "name", "value", left=2)
    for name, value in shown.items():
        table.add_row(name, ", ".join(map(str, value)) if isinstance(value, list) else str(value))
    return table


def verdict(
    label: str,
    staleness: StalenessDistribution,
    found: Mapping[str, Properties],
    tables: Mapping[str, NDArray[np.float64]],
    reached: Sequence[Mapping[str, Any]],
    held: Sequence[Mapping[str, Any]],
) -> Group:
    """Return what a step does to staleness, a column per scale; with tables the scales; with bounds these.

    Bounds are those `reached` after some updates at the best rate, and those that hold at a given rate.
    """
    judged = _table(f"{label}: {staleness.total:,} updates", "property", *found, left=1)
    for name, shown in _PROPERTIES.items():
        judged.add_row(name, *map(shown, found.values()))
    parts = [judged]
    if tables:
        scales = _table(None, "τ", "p", *tables)
        for tau in range(max(staleness.max + 1, *map(len, tables.values()))):
            entries = (table[min(tau, len(table) - 1)] for table in tables.values())
            scales.add_row(str(tau), f"{staleness.probability(tau):.4f}", *(f"{entry:.6g}" for entry in entries))
        parts.append(scales)
    if reached:
        heads = "bound", "updates", "best η", "error"
        parts.append(_bounds("Bounds at the best rate", heads, reached, ("updates", "best_rate", "error")))
    if held:
        title = f"Bounds at η = {held[0]['rate']:.4g} after {held[0]['updates']:,} updates"
        heads = "bound", "error", "best η", "its error"
        parts.append(_bounds(title, heads, held, ("error", "best_rate", "best_error")))
    return Group(*parts)


def _bounds(title: str, heads: Sequence[str], rows: Sequence[Mapping[str, Any]], figures: Sequence[str]) -> Table:
    table = _table(title, *heads, left=1)
    for row in rows:
        shown = (_number(row[name], ",d" if name == "updates" else ".4g") for name in figures)
        table.add_row(row["name"].replace("_", " "), *shown)
    return table


_PROPERTIES: dict[str, Callable[[Properties], str]] = {
    "mean-preserving": lambda it: _yes(it.mean_preserving),
    "E[C]": lambda it: f"{it.mean:.6g}",
    "E[C] − 1": lambda it: f"{it.mean_error:.3g}",
    "priority-preserving": lambda it: _yes(it.priority_preserving),
    "first τ with C(τ) > C(τ−1)": lambda it: _number(it.first_violation, "d"),
    "bounded": lambda it: _yes(it.bounded),
    "least C": lambda it: f"{it.range[0]:.6g}",
    "largest C": lambda it: f"{it.range[1]:.6g}",
    "leveraged, Pr[C > 1]": lambda it: f"{it.leveraged:.1%}",
    "Pr[C < 1]": lambda it: f"{it.dampened:.1%}",
    "rejected, Pr[C = 0]": lambda it: f"{it.rejected:.1%}",
    "E[Cτ]": lambda it: f"{it.scaled_staleness:.4g}",
    "mean τ": lambda it: f"{it.mean_staleness:.4g}",
    "Var C": lambda it: f"{it.variance:.4g}",
    "E[C²]": lambda it: f"{it.second_moment:.4g}",
}


def benchmark(figures: Benchmark) -> Group:
    """Return two tables: a row per kernel, and a row per network and engine."""
    isa = figures.environment["isa"]
    kernels = _table(
        f"Kernels on one core, {isa}: FMA peak {figures.peak:.1f} GFLOP/s",
        "kernel",
        "µs",
        "rate",
        "limit",
        "unit",
        "share",
        left=1,
    )
    for row in figures.kernels:
        kernels.add_row(
            row["name"],
            _number(row["seconds"] * 1e6, ",.2f"),
            _number(row["rate"], ".1f"),
            _number(row["limit"], ".1f"),
            row["unit"],
            _number(row["share"], ".1%"),
        )
    updates = _table(
        "Updates of one worker, beside the limit of their FLOPs",
        "network",
        "engine",
        "batch",
        "updates/s",
        "limit",
        "share",
        left=2,
    )
    for row in figures.updates:
        updates.add_row(
            row["network"],
            row["engine"],
            str(row["batch_size"]),
            _number(row["updates_per_second"], ",.0f"),
            _number(row["limit"], ",.0f"),
            _number(row["share"], ".1%"),
        )
    return Group(kernels, updates)


def _table(title: str | None, *columns: str, left: int = 0) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i < left else "right", overflow="fold")
    return table


def _cache(kind: Mapping[str, Any]) -> str:
    size, unit = (kind["size_bytes"] / _KIBIBYTE, "KiB")
    if size >= _KIBIBYTE:
        size, unit = (kind["size_bytes"] / _MEBIBYTE, "MiB")
    sharing = f" for {kind['shared_by']} CPUs each" if kind["shared_by"] > 1 else ""
    return f"{kind['count']} × {size:.4g} {unit} {kind['name']}{sharing}"


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else number(value, form)
