"""The time to a training loss, at the best of several settings; the clock stands still while a loss is computed.

A contender works through a fixed number of samples, then its parameters are judged by asap on every sixth training
sample, for all contenders alike, and so on until the loss is at the target.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from side_by_side.figures import aligned

BETWEEN_SNAPSHOTS = 3000  # samples
MAX_SAMPLES = 600_000  # ten epochs: who has not arrived by then, never does

Advance = Callable[[int], tuple[int, float]]
Judge = Callable[[], float]


@dataclass(frozen=True)
class Setting:
    """How a contender is run: its form, batch size and learning rate."""

    form: str
    batch: int
    rate: float


@dataclass(frozen=True)
class Arrival:
    """How a contender did at its best setting.

    Attributes:
        model: "mlp" or "lenet".
        cores: how many it could use.
        peer: the library.
        setting: the fastest of those tried.
        runs: seconds to the target, infinity where it never arrived, and passes over the data until then, per seed.
        tried: every setting of the sweep with its seconds.
    """

    model: str
    cores: int
    peer: str
    setting: Setting
    runs: tuple[tuple[float, float], ...]
    tried: tuple[tuple[Setting, float], ...]

    @property
    def seconds(self) -> list[float]:
        """To the target, in ascending order."""
        return sorted(seconds for seconds, _ in self.runs)

    @property
    def epochs(self) -> float:
        """Median of the passes over the data."""
        return median(epochs for _, epochs in self.runs)

    def plain(self) -> dict[str, Any]:
        """Return it as a row of the result file, without infinities."""
        return asdict(self) | {
            "runs": [{"seconds": _finite(seconds), "epochs": epochs} for seconds, epochs in self.runs],
            "tried": [asdict(setting) | {"seconds": _finite(value)} for setting, value in self.tried],
        }


def time_to(target: float, batch: int, advance: Advance, judge: Judge, limit: float = math.inf) -> tuple[float, int]:
    """Return seconds of work and samples until the loss is at the target or below, infinity if it never is.

    Args:
        target: the loss.
        batch: samples in an update.
        advance: makes so many updates; returns updates made and seconds taken.
        judge: returns the loss of the present parameters.
        limit: seconds after which it is given up.
    """
    seconds, samples = 0.0, 0
    while samples < MAX_SAMPLES and seconds < limit:
        updates, elapsed = advance(-(-BETWEEN_SNAPSHOTS // batch))
        seconds, samples = seconds + elapsed, samples + updates * batch
        loss = judge()
        if not math.isfinite(loss):
            break
        if loss <= target:
            return seconds, samples
    return math.inf, samples


def fastest(tried: Iterable[tuple[Setting, float]]) -> Setting:
    """Return the setting with the fewest seconds."""
    return min(tried, key=lambda pair: pair[1])[0]


def table(arrivals: Sequence[Arrival]) -> str:
    """Return a line per contender: where it arrives fastest, and when."""
    head = ("model", "cores", "peer", "form", "batch", "rate", "epochs", "seconds", "min – max")
    return aligned([head, *map(_cells, arrivals)], left=(0, 2, 3))


def _cells(arrival: Arrival) -> tuple[str, ...]:
    setting = arrival.setting
    known = (arrival.model, str(arrival.cores), arrival.peer, setting.form, str(setting.batch), f"{setting.rate:g}")
    spread = f"{arrival.seconds[0]:.2f} – {arrival.seconds[-1]:.2f}"
    return (*known, f"{arrival.epochs:.2f}", f"{median(arrival.seconds):.2f}", spread)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
