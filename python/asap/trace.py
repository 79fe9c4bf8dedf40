"""The trace of a run: one record per gradient, whatever became of it, and where the run began."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from asap import _core
from asap.model import Model
from asap.staleness import StalenessDistribution

__all__ = ["COLUMNS", "OUTCOMES", "RECORD", "Trace"]

RECORD = np.dtype(
    [
        ("batch", "<u8"),
        ("read", "<u8"),
        ("replaced", "<u8"),
        ("scale", "<f8"),
        ("attempts", "<u4"),
        ("worker", "<u2"),
        ("outcome", "u1"),
        ("unused", "u1"),
    ]
)
"""A record, as in memory so in files: 40 bytes, little-endian."""

OUTCOMES = {"published": 0, "merged": 1, "dropped": 3, "rejected": 4, "gathered": 6}
"""What may become of a gradient, and its number in the column outcome."""

COLUMNS = {
    "batch": "number of the batch; with the seed it says which samples",
    "read": "the version (number of updates published before) on which the gradient was computed",
    "replaced": "the version it replaced, or, not published, met at last: its place in the order of updates",
    "scale": "C(τ) as applied; 0 exactly for rejected gradients",
    "attempts": "tries to publish",
    "worker": "which worker, from 0",
    "outcome": "a number of OUTCOMES: published, merged into a round's update, dropped, rejected, or gathered "
    "with others for an update that another worker completes",
    "tau": "staleness: replaced − read",
}

_MOST_APART = 256  # workers whose staleness simulations tell apart


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """What happened to every gradient of a run: `run.trace` of a run with `trace=True`.

    `trace["tau"]` is a column as an array, `len(trace)` the number of gradients. Each worker's records stand in its own
    order; those of different workers are mixed in blocks. `trace.updates` has them in the order of versions.

    The columns are batch, read, replaced, scale, attempts, worker, outcome and tau; `asap.trace.COLUMNS` says what each
    means, `asap.trace.OUTCOMES` which number of the column outcome stands for what.

    Attributes:
        records: all records as a structured array, shape (n,), read-only; on disk until it is looked at.
        start: the parameters that the run began with, shape (num_parameters,), read-only.
        velocity: the velocity u that it began with, likewise, of a resumed run with momentum; None: zeros.
        movement: likewise the average movement, of a resumed run with `asap.GapAware`.
        first: the version that it began at; 0 unless it was resumed. The records are those of this part alone.
        workers: m.
        stalls: how often a worker had to wait because its records were not yet written.
        origin: what a replay must find again: "asap", "compiler" and "isa" (the build and its instruction set), "model"
            (input shape, layers, loss), "samples" and "data" (number of samples and sha256 of their contents).
    """

    records: NDArray[np.void]
    start: NDArray[np.float32]
    first: int
    workers: int
    stalls: int
    origin: Mapping[str, Any]
    velocity: NDArray[np.float32] | None = None
    movement: NDArray[np.float32] | None = None
    _data: _core.Dataset | None = field(default=None)  # to replay without being given it; not kept in files

    def __getitem__(self, column: str) -> NDArray[Any]:
        if column == "tau":
            return self.records["replaced"] - self.records["read"]  # type: ignore[no-any-return]
        if column not in COLUMNS:
            raise KeyError(f"column must be one of {', '.join(COLUMNS)}; got {column!r}")
        return self.records[column]

    def __len__(self) -> int:
        return len(self.records)

    @property
    def updates(self) -> NDArray[np.void]:
        """The records of the published updates, in the order of versions: number i replaced version `first` + i."""
        published = self.records[self.records["outcome"] == OUTCOMES["published"]]
        order = np.argsort(published["replaced"])
        return published[order]  # type: ignore[no-any-return]

    @property
    def staleness(self) -> StalenessDistribution:
        """τ of published updates and gathered gradients, counted anew.

        Equals the run's own, unless that counts the parts before, too. (A run on threads counts every τ from 4,095 on
        as one, and its workers apart however many they are.)
        """
        scaled = np.isin(self.records["outcome"], [OUTCOMES["published"], OUTCOMES["gathered"]])
        taus, workers = self["tau"][scaled], self.records["worker"][scaled]
        if self.workers > _MOST_APART:
            return StalenessDistribution._merge([_distribution(taus)], self.workers)
        return StalenessDistribution._merge([_distribution(taus[workers == w]) for w in range(self.workers)])

    def check(self) -> None:
        """Check that the records can be what happened.

        Every version is published exactly once; τ ≥ 0; nothing is read or replaced that did not exist; a worker has one
        gradient at a time; C > 0 exactly where a gradient was not rejected; what was published or dropped was tried; a
        merged gradient has the version and C of its round's update; no batch occurs twice.

        Raises:
            ValueError: they cannot; names the record and the rule.
        """
        _core.check_trace(self.records, self.workers, self.first)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return state | {"records": np.array(self.records), "_data": None}

    def __repr__(self) -> str:
        counted = {name: int((self.records["outcome"] == number).sum()) for name, number in OUTCOMES.items()}
        parts = [f"{count:,} {name}" for name, count in counted.items() if count]
        return f"Trace({len(self):,} gradients: {', '.join(parts) or 'none'})"

    def _with(self, data: _core.Dataset) -> Trace:
        return replace(self, _data=data)


def origin_of(model: Model, data: str, samples: int) -> dict[str, Any]:
    """Return what must be the same for a replay to have the same bits; `data` is the fingerprint."""
    compiler = _core.build_info().get("compiler", "unknown")
    build = {"asap": _core.__version__, "compiler": compiler, "isa": _core.isa()}
    return build | {"model": model.architecture.to_dict(), "samples": samples, "data": data}


def records_in(file: IO[bytes], count: int, offset: int = 0) -> NDArray[np.void]:
    """Return so many records of a file, which stays on disk until they are looked at."""
    if count == 0:
        return np.zeros(0, RECORD)
    return np.memmap(file, RECORD, "r", offset, (count,)).view(np.ndarray)


def _distribution(taus: NDArray[np.uint64]) -> _core.Distribution:
    counts = np.bincount(taus.astype(np.int64))
    return _core.Distribution(counts.astype(np.uint64), int(taus.sum()))
