"""Snapshots of a run: kept in a file while it goes on, evaluated when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asap import _core
from asap._unloaded import Unloaded
from asap.losses import Losses
from asap.model import Model

_BATCH = 256
_SEED = 0  # of the samples that a loss is evaluated on: the same for all runs, whatever their seeds


class Moment(NamedTuple):
    """When a snapshot was made."""

    updates: int
    epoch: float
    seconds: float


class SnapshotFile:
    """Snapshots, about in the order of their versions; of a version the first counts."""

    def __init__(self, file: IO[bytes], start: NDArray[np.float32]) -> None:
        self._file = file
        self._size = len(start)
        self._moments: list[Moment | None] = []  # None: forgotten
        self.add(start, Moment(0, 0.0, 0.0))

    def add(self, theta: NDArray[np.float32], moment: Moment) -> None:
        """Append a snapshot."""
        self._file.write(theta.data)
        self._moments.append(moment)

    def forget(self, after: int) -> None:
        """Forget the snapshots of later updates, which did not happen."""
        for place, moment in enumerate(self._moments):
            if moment is not None and moment.updates > after:
                self._moments[place] = None

    def losses(self, model: Model, data: _core.Dataset) -> Losses:
        """Evaluate all of them, on as many threads as there are CPUs."""
        self._file.flush()
        shape = (len(self._moments), self._size)
        vectors = np.memmap(self._file, np.float32, "r", shape=shape)

        kept = [(moment, place) for place, moment in enumerate(self._moments) if moment is not None]
        first = {moment.updates: (moment, place) for moment, place in reversed(kept)}
        moments, places = zip(*(first[updates] for updates in sorted(first)), strict=True)

        def loss(place: int) -> float:
            total, _, samples = model._network.evaluate(np.array(vectors[place]), data, min(_BATCH, len(data)))
            return total / samples

        with ThreadPoolExecutor(_core.usable_cpus()) as pool:
            found = list(pool.map(loss, places))
        updates, epoch, seconds = zip(*moments, strict=True)
        return Losses(updates, epoch, seconds, found)


def sampled(data: _core.Dataset | Unloaded, samples: int | None) -> _core.Dataset:
    """Return as many of the samples as losses are to be evaluated on."""
    whole = samples is None or samples >= len(data)
    if whole and not isinstance(data, Unloaded):
        return data
    random = np.random.default_rng(_SEED)
    chosen = np.arange(len(data)) if whole else np.sort(random.choice(len(data), samples, replace=False))
    if isinstance(data, Unloaded):
        assert data.take is not None  # else there are no snapshots
        return data.take(chosen)
    parts: Sequence[NDArray[np.generic] | None] = (data.inputs, data.labels, data.targets)
    inputs, labels, targets = (None if part is None else np.ascontiguousarray(part[chosen]) for part in parts)
    return _core.Dataset(inputs, labels, targets)  # type: ignore[arg-type]
