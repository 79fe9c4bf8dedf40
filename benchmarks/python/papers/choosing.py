"""What docs/choosing.md takes from the kept results: the fastest engine and the better step, by model, batch and m."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from papers import icml22, ipdps21
from papers.kept import RESULTS, Kept, Row, number, total, value
from papers.markdown import geometric_mean, spread, table

ENOUGH, OF_TIMES = 0.9, 0.67
"""Leashed-SGD is chosen where it has this share of the fastest engine's speed: it is the one that holds nobody up. Ways
to ε vary by a third from one try to the next."""

WORKERS = (1, 2, 8, 16, 64)
PAIRS = {("mlp", 16): "MLP", ("mlp", 64): "MLP", ("lenet", 16): "LeNet", ("lenet", 64): "LeNet"}
NAMES = {
    "leashed": "Leashed",
    "locked": "Locked",
    "hogwild": "Hogwild",
    "leashed:0": "Leashed(0)",
    "leashed:1": "Leashed(1)",
}
_STUDIED = {("mlp", 64): "mlp", ("lenet", 16): "lenet"}
"""The batches of the studies of steps."""


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Attributes:
        about: model, batch and workers.
        speeds: of each engine, the larger the better.
        enough: the share of the fastest that the default must have.
        ratio: updates of TAIL-τ by those of a constant step, as shown; "" where that was not run.
    """

    about: tuple[str, str, str]
    speeds: dict[str, float]
    enough: float
    ratio: str = ""

    @property
    def choice(self) -> str:
        """The engine to take."""
        fastest = max(self.speeds, key=lambda engine: self.speeds[engine])
        return NAMES["leashed" if self.speeds["leashed"] >= self.enough * self.speeds[fastest] else fastest]

    def cells(self) -> list[str]:
        """Return the cells."""
        best = max(self.speeds.values())
        ordered = sorted(self.speeds.items(), key=lambda each: -each[1])
        shown = ", ".join(
            f"{NAMES[engine]} {f'{100 * speed / best:.0f}' if speed else 'never'}" for engine, speed in ordered
        )
        return [*self.about, shown, self.choice, self.ratio or "–", "constant"]


def tables(kept: Kept) -> Iterator[tuple[str, str]]:
    """Return the joint table."""
    lines = [*_by_throughput(kept), *_by_seconds(kept)]
    header = ["model", "batch", "m", "speed, % of the fastest", "engine", "TAIL-τ by constant, updates", "step"]
    yield "choosing", table(header, [line.cells() for line in lines])


def sentences(kept: Kept) -> Iterator[str]:
    """Return what the text says with figures."""
    yield from _of_workers(kept)
    yield from _of_engines(kept)
    calm = [row for row in kept.rows(file=icml22.FILE, step="constant", equal_to="") if int(row["workers"]) <= 32]
    assert total(calm, "failed") == 0
    largest = max(float(row["rate"]) for row in calm)
    runs = f"{total(calm, 'runs'):,} runs with a constant step of at most {largest:g}"
    yield f"none of {runs} and up to 32 workers diverged"


def _of_workers(kept: Kept) -> Iterator[str]:
    """How stale gradients are with m workers, and how many updates that takes."""
    rows = [row for row in _scaling("scaling-*.json") if row["engine"] in ("leashed", "locked", "hogwild")]
    for m in (2, 8, 64):
        found = [row["mean_tau"]["median"] for row in rows if row["workers"] == m]
        yield f"{min(found):.1f} to {max(found):.1f} with {m}"
    alone, *others = (_updates(ipdps21.mlp(kept, m)) for m in ipdps21.THREADS)
    more = "{:.0f}, {:.0f}, {:.0f} and {:.0f}".format(*(geometric_mean(each) for each in others))
    yield f"{alone[0]:.0f} updates led to a quarter of the initial loss with one worker, {more} with 2, 4, 8 and 16"


def _of_engines(kept: Kept) -> Iterator[str]:
    """Where Leashed-SGD is enough, and with which bound."""
    attempts = [
        row["attempts_per_update"]["median"] for row in _scaling("scaling-*.json") if row["engine"] == "leashed"
    ]
    yield f"{max(attempts):.2f} attempts an update at most"
    cnn = [_updates(kept.rows(file=ipdps21.FILE, study="cnn-mnist-threads", workers=m)) for m in ipdps21.THREADS]
    yield f"differ by up to {max(max(each) / min(each) for each in cnn):.1f} times"
    threads = [line for line in (*_by_throughput(kept), *_by_seconds(kept)) if "virtual" not in line.about[2]]
    yield f"in {sum(line.choice == 'Leashed' for line in threads)} of the {len(threads)} lines on threads"
    for row in kept.rows(file=ipdps21.FILE, study="mlp-mnist-simulated", workers=64):
        assert row["reached_0.25"] == ("5" if row["engine"] in ("leashed:0", "leashed:1") else "0")


def _updates(rows: list[Row]) -> list[float]:
    return [value(row, "updates_0.25") for row in rows]


def _by_throughput(kept: Kept) -> Iterator[Line]:
    """Updates per second on two cores; the MLP at batch 16, whose figures wander most, from both of its series."""
    rows = _scaling("scaling-*.json")
    for (model, batch), name in PAIRS.items():
        for m in WORKERS:
            cell = [row for row in rows if (row["model"], row["batch"], row["workers"]) == (model, batch, m)]
            speeds = {
                engine: geometric_mean([row["updates_per_second"]["median"] for row in cell if row["engine"] == engine])
                for engine in ("hogwild", "locked", "leashed")
            }
            yield Line((name, str(batch), str(m)), speeds, ENOUGH, _step(kept, (model, batch), m))


def _by_seconds(kept: Kept) -> Iterator[Line]:
    """Batches of 512: the way to a quarter of the initial loss, on threads and under contention."""
    for m in (1, 2, 8, 16):
        speeds = {row["engine"]: 1 / value(row, "seconds_0.25") for row in ipdps21.mlp(kept, m)}
        yield Line(("MLP", "512", str(m)), speeds, OF_TIMES)
    for m in (16, 64):
        rows = kept.rows(file=ipdps21.FILE, study="mlp-mnist-simulated", workers=m)
        ways = {row["engine"]: number(row, "seconds_0.25") for row in rows}
        speeds = {engine: 0.0 if way is None else 1 / way for engine, way in ways.items()}
        yield Line(("MLP, T_u = T_c/10", "512", f"{m} (virtual)"), speeds, OF_TIMES)


def _step(kept: Kept, pair: tuple[str, int], m: int) -> str:
    """Return the updates of TAIL-τ by those of a constant step; in virtual time with 8 workers."""
    if pair not in _STUDIED or m not in (2, 8, 16):
        return ""
    where = "simulated" if m == 8 else "threads"
    chosen = [row["study"].startswith(_STUDIED[pair]) for row, _ in icml22.rows_of(kept, where, m, "tail")]
    found = [
        ratio for ratio, is_own in zip(icml22.ratios(kept, where, m, "tail", "updates"), chosen, strict=True) if is_own
    ]
    return spread(found, geometric_mean(found)) + (" (virtual)" if m == 8 else "")


def _scaling(pattern: str) -> list[dict[str, Any]]:
    return [row for path in sorted(RESULTS.glob(pattern)) for row in json.loads(path.read_text())["rows"]]
