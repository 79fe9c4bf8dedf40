"""What docs/distributed.md takes from the kept measurements on a Ray cluster, benchmarks/results/distributed-*.json."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from statistics import fmean
from typing import Any

from papers.kept import RESULTS, Kept
from papers.links import of_links
from papers.markdown import table

FILE, LENET = RESULTS / "distributed-zen4-2cores.json", RESULTS / "distributed-lenet-zen4-2cores.csv"
TO_BE_REPLACED = "SHORT FORM, TO BE REPLACED"

Document = dict[str, Any]
Row = dict[str, Any]


def tables(_: Kept) -> Iterator[tuple[str, str]]:
    """Return the tables of the kept files."""
    yield from tables_of(json.loads(FILE.read_text()))
    with LENET.open() as file:
        yield "distributed-lenet", _lenet(list(csv.DictReader(file)))


def sentences(_: Kept) -> Iterator[str]:
    """Return what the text says with figures."""
    yield from ()


def tables_of(document: Document) -> Iterator[tuple[str, str]]:
    """Return a table for each part that was measured, marked where it was measured in the short form only."""
    makers = {
        "limits": ("distributed-limits", _limits),
        "rates": ("distributed-rates", _rates),
        "staleness": ("distributed-staleness", _staleness),
        "rounds": ("distributed-rounds", _rounds),
    }
    for part, (name, make) in makers.items():
        if part in document:
            header, lines = make(document[part])
            yield name, table(marked(header, document["short"]), lines)
    if "rates" in document:
        header, lines = _processors(document["rates"])
        yield "distributed-processors", table(marked(header, document["short"]), lines)
    if "staleness" in document:
        header, lines = _times(document["staleness"])
        yield "distributed-times", table(marked(header, document["short"]), lines)
    yield "distributed-links", table(*of_links())


def marked(header: list[str], short: bool) -> list[str]:
    """Return the header of a table, which says so where its figures are of a short form."""
    return [f"{TO_BE_REPLACED}: {header[0]}", *header[1:]] if short else header


def _limits(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    header = ["vector", "MB", "nodes", "empty call, ms", "one way, ms", "MB/s", "there and back, ms", "MB/s"]
    return header, [
        [
            row["vector"],
            f"{row['bytes'] / 1e6:.3g}",
            str(row["nodes"]),
            _ms(row["call_seconds"]),
            _ms(row["take_seconds"]),
            f"{row['take_bytes_per_second'] / 1e6:,.0f}",
            _ms(row["swap_seconds"]),
            f"{row['swap_bytes_per_second'] / 1e6:,.0f}",
        ]
        for row in rows
    ]


def _rates(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    header = ["model", "learners", "transport", "in flight", "shards", "updates/s", "MB/s"]
    header += ["of the limit", "threads, updates/s", "more per update, ms"]
    return header, [
        [
            *_form(row),
            _spread(row["updates_per_second"], ",.0f"),
            f"{row['bytes_per_second']['median'] / 1e6:,.0f}",
            _spread(row["of_limit"], ".2f"),
            f"{row['threads_per_second']['median']:,.0f}",
            _ms(row["overhead_seconds"]["median"]),
        ]
        for row in rows
    ]


def _processors(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    header = ["model", "learners", "transport", "in flight", "shards", "servers, ms", "learners, ms", "nodes, ms"]
    return header, [
        [*_form(row), *(_ms(row["cpu_seconds"][part]) for part in ("servers", "learners", "nodes"))] for row in rows
    ]


def _form(row: Row) -> list[str]:
    return [row["model"], str(row["learners"]), row["transport"], str(row["in_flight"]), str(row["shards"])]


def _staleness(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    header = ["λ", "n", "c", "where", "mean τ", "σ", "5 to 95 %", "largest", "Pr[τ > 2n]", "gradients/s", "distance"]
    found = sorted((row for row in rows if "n" in row), key=lambda row: (row["learners"], row["n"]))
    return header, [
        [
            f"{row['learners']:,}",
            f"{row['n']:,}",
            f"{row['c']:,}",
            row["where"],
            f"{row['mean']:.3g}",
            f"{row['deviation']:.2g}",
            f"{row['low']:,} to {row['high']:,}",
            f"{row['largest']:,}",
            f"{row['beyond_2n']:.2g}",
            f"{row['gradients_per_second']:,.0f}",
            f"{row['distance_to_cluster']:.2f}" if row.get("distance_to_cluster") is not None else "",
        ]
        for row in found
    ]


def _times(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    times = next(row["times"] for row in rows if "times" in row)
    server, of_one = times["server_seconds"], times["of_one_seconds"]
    return ["measured", ""], [
        ["a gradient and its update, one thread", f"{_ms(times['gradient_seconds'])} ms"],
        ["an exchange in which nothing is learnt, one learner", f"{_ms(times['exchange_alone_seconds'])} ms"],
        ["the same, each of 30 learners", f"{_ms(times['exchange_crowd_seconds'])} ms"],
        ["T₁: from gradient to gradient, one learner", f"{_ms(of_one)} ms"],
        ["T₃₀: the same, each of 30 learners", f"{_ms(times['of_many_seconds'])} ms"],
        ["p: processor time of the server for a gradient", f"{_ms(server)} ms"],
        ["1/p: what a server can take", f"{1 / server:,.0f} gradients/s"],
        ["T₁/p: learners, each on a machine of its own, that keep it busy", f"{of_one / server:.1f}"],
    ]


def _rounds(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    teams = list(dict.fromkeys(row["learners"] for row in rows))
    laws = list(dict.fromkeys(row["law"] for row in rows))
    ratio = {(row["law"], row["learners"]): row["ratio"] for row in rows}
    header = ["time of a gradient", *(f"m = {m:,}" for m in teams)]
    return header, [[law, *(f"{ratio[law, m]:.2f}" for m in teams)] for law in laws]


def _lenet(rows: list[dict[str, str]]) -> str:
    accuracy = {(row["where"], row["seed"]): 100 * float(row["accuracy"]) for row in rows}
    seconds = {(row["where"], row["seed"]): float(row["seconds"]) for row in rows}
    seeds = list(dict.fromkeys(row["seed"] for row in rows))
    lines = [
        [
            seed,
            *(f"{accuracy[where, seed]:.1f}" for where in ("ray", "threads")),
            f"{accuracy['ray', seed] - accuracy['threads', seed]:+.1f}",
            *(f"{seconds[where, seed]:.0f}" for where in ("ray", "threads")),
        ]
        for seed in seeds
    ]
    there, here = (fmean(accuracy[where, seed] for seed in seeds) for where in ("ray", "threads"))
    lines.append(["mean", f"{there:.1f}", f"{here:.1f}", f"{there - here:+.1f}", "", ""])
    header = ["seed", "Ray, %", "threads, %", "difference", "Ray, s", "threads, s"]
    return table(marked(header, any(float(row["epochs"]) < 2 for row in rows)), lines)


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g}"


def _spread(of: dict[str, float], digits: str) -> str:
    return f"{of['median']:{digits}} ({of['least']:{digits}} – {of['most']:{digits}})"
