"""What docs/distributed.md takes from the kept measurements on a Ray cluster, benchmarks/results/distributed-*.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from papers.kept import RESULTS, Kept
from papers.links import of_links
from papers.markdown import table

FILE = RESULTS / "distributed-zen4-2cores.json"
TO_BE_REPLACED = "SHORT FORM, TO BE REPLACED"

Document = dict[str, Any]
Row = dict[str, Any]


def tables(_: Kept) -> Iterator[tuple[str, str]]:
    """Return the tables of the kept file."""
    yield from tables_of(json.loads(FILE.read_text()))


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
            marked = [f"{TO_BE_REPLACED}: {header[0]}", *header[1:]] if document["short"] else header
            yield name, table(marked, lines)
    if "rates" in document:
        yield "distributed-processors", table(*_processors(document["rates"]))
    if "staleness" in document:
        yield "distributed-times", table(*_times(document["staleness"]))
    yield "distributed-links", table(*of_links())


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
    header = ["n", "λ", "c", "where", "mean τ", "σ", "5 to 95 %", "largest", "Pr[τ > 2n]", "gradients/s", "distance"]
    found = sorted(rows[1:], key=lambda row: (row["learners"], row["n"]))
    return header, [
        [
            f"{row['n']:,}",
            f"{row['learners']:,}",
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
    times = rows[0]["times"]
    return ["time", "ms"], [
        ["a gradient and its update, one thread", _ms(times["gradient_seconds"])],
        ["an exchange in which nothing is learnt, one learner", _ms(times["swap_seconds"])],
        ["T₁, from update to update, one learner", _ms(times["of_one_seconds"])],
        ["p, processor time of the server for a gradient", _ms(times["server_seconds"])],
        ["p′, from gradient to gradient, 30 learners on these two cores", _ms(times["gradient_of_many_seconds"])],
    ]


def _rounds(rows: list[Row]) -> tuple[list[str], list[list[str]]]:
    teams = list(dict.fromkeys(row["learners"] for row in rows))
    laws = list(dict.fromkeys(row["law"] for row in rows))
    ratio = {(row["law"], row["learners"]): row["ratio"] for row in rows}
    header = ["time of a gradient", *(f"m = {m:,}" for m in teams)]
    return header, [[law, *(f"{ratio[law, m]:.2f}" for m in teams)] for law in laws]


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.3g}"


def _spread(of: dict[str, float], digits: str) -> str:
    return f"{of['median']:{digits}} ({of['least']:{digits}} – {of['most']:{digits}})"
