"""The samples of a batch number, in the process of a learner: of the whole data, of its own part, or decoded for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from asap import _core
from asap.config import TrainConfig
from asap.datasets import Images

Numbers = NDArray[np.uint64]


class Batches(Protocol):
    """What a learner computes on."""

    @property
    def data(self) -> _core.Dataset:
        """What the numbers of samples refer to."""

    def samples(self, batch: int) -> Numbers:
        """Return which samples the batch has; they are there until the next call."""


class Whole:
    """All samples: a batch number stands for the same ones in every learner."""

    def __init__(self, data: _core.Dataset, config: TrainConfig) -> None:
        self.data = data
        self._order = _order(len(data), config, config.seed)

    def samples(self, batch: int) -> Numbers:
        """Return which samples the batch has."""
        return self._order.samples(batch)


class Part:
    """Those of one learner, in an order of their own: each of its batches is the next one of this order.

    Which number a batch has is of no account, since numbers go to whoever is ready: where each learner counts its own
    batches, a pass over its part has each sample once. A learner that takes the place of another one begins about where
    that was: at the first number it is given, divided by the number of learners.

    Args:
        data: the part.
        config: the settings of the run.
        part: its number.
        parts: how many there are.
    """

    def __init__(self, data: _core.Dataset, config: TrainConfig, part: int, parts: int) -> None:
        self.data = data
        self._parts = parts
        self._next: int | None = None
        self._order = _order(len(data), config, seed_of_part(config.seed, part))

    def samples(self, batch: int) -> Numbers:
        """Return which samples the next batch has."""
        number = batch // self._parts if self._next is None else self._next
        self._next = number + 1
        return self._order.samples(number)


class Decoded:
    """Pictures, decoded batch by batch: the samples of a number are those of the same pictures in memory.

    Args:
        images: all pictures.
        config: the settings of the run.
        threads: how many pictures are decoded at a time.
    """

    def __init__(self, images: Images, config: TrainConfig, threads: int) -> None:
        self._images = images
        self._order = _order(len(images), config, config.seed)
        size = min(config.batch_size, len(images))
        self._inputs, self._labels = np.zeros((size, *images.input_shape), np.uint8), np.zeros(size, np.int32)
        self._places = np.arange(size, dtype=np.uint64)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self.data = _core.Dataset(self._inputs, self._labels)  # looks at them

    def samples(self, batch: int) -> Numbers:
        """Decode the samples of the batch, and return where they are."""
        chosen = self._order.samples(batch)
        self._images._decode(chosen, self._inputs, self._pool)
        self._labels[: len(chosen)] = self._images.labels[chosen]
        return self._places[: len(chosen)]


def seed_of_part(seed: int, part: int) -> int:
    """Return the seed of the order of a part: parts of the same size are not gone through in the same order."""
    return int(np.random.SeedSequence([seed, part]).generate_state(1, np.uint64)[0])


def _order(samples: int, config: TrainConfig, seed: int) -> _core.BatchOrder:
    return _core.BatchOrder(samples, min(config.batch_size, samples), seed)
