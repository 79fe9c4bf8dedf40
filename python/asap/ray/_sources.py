"""Where a learner gets its data: told to it in few bytes, loaded in its own process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import ray

from asap import datasets
from asap.config import TrainConfig
from asap.datasets import DataError, npz
from asap.model import Model
from asap.ray import _ray_data
from asap.ray._batches import Batches, Decoded, Part, Whole


class Source(Protocol):
    """What learners are told."""

    def batches(self, model: Model, config: TrainConfig, learner: int) -> Batches:
        """Return the data of a learner, given its number."""


@dataclass(frozen=True)
class Named:
    """The training split of a data set by its name, which every learner loads (from its own disk, mapped)."""

    name: str

    def batches(self, model: Model, config: TrainConfig, learner: int) -> Batches:
        """Return all data."""
        return Whole(model._dataset(datasets.load(self.name).train), config)


@dataclass(frozen=True)
class Stored:
    """Arrays in Ray's object store, which the learners of a node share without a copy.

    Attributes:
        arrays: references in a list, so that they travel as such.
    """

    arrays: Sequence[Any]

    def batches(self, model: Model, config: TrainConfig, learner: int) -> Batches:
        """Return all data."""
        inputs, answers = ray.get(list(self.arrays))
        return Whole(model._dataset((inputs, answers)), config)


@dataclass(frozen=True)
class Pictures:
    """Pictures in folders, which learners decode as they need them, as many at a time as they have CPUs.

    Attributes:
        images: a reference in a list, likewise: there are many names.
    """

    images: Sequence[Any]

    def batches(self, model: Model, config: TrainConfig, learner: int) -> Batches:
        """Return all pictures, yet to be decoded."""
        resources: dict[str, float] = ray.get_runtime_context().get_assigned_resources()  # type: ignore[no-untyped-call]
        return Decoded(ray.get(self.images[0]), config, threads=max(1, int(resources.get("CPU", 1))))


@dataclass(frozen=True)
class FileParts:
    """Files, of which learner k of n has every n-th from the k-th on.

    Attributes:
        files: all of them.
        counts: how many samples each has.
        names: of the two arrays in each.
        learners: n.
    """

    files: Sequence[str]
    counts: Sequence[int]
    names: tuple[str, str]
    learners: int

    def batches(self, model: Model, config: TrainConfig, learner: int) -> Batches:
        """Return the part of a learner, in memory once."""
        files, counts = self.files[learner :: self.learners], self.counts[learner :: self.learners]
        whole: list[Any] = []
        first = 0
        for file, count in zip(files, counts, strict=True):
            arrays = npz.arrays(file, self.names)
            model._dataset((arrays[0], arrays[1]), names=(f"{self.names[0]} of {file}", f"{self.names[1]} of {file}"))
            whole = whole or [np.empty((sum(counts), *each.shape[1:]), each.dtype) for each in arrays]
            if len(arrays[0]) != count:
                raise DataError(f"{file}: expected {count} samples, as when the run began; found {len(arrays[0])}")
            for array, each in zip(whole, arrays, strict=True):
                array[first : first + count] = each
            first += count
        return Part(model._dataset((whole[0], whole[1])), config, learner, self.learners)


@dataclass(frozen=True)
class DatasetParts:
    """The parts of a Ray Dataset, of which learner k has the k-th.

    Attributes:
        parts: references to the blocks of each.
        names: of the two columns.
    """

    parts: Sequence[Sequence[Any]]
    names: tuple[str, str]

    def batches(self, model: Model, config: TrainConfig, learner: int) -> Batches:
        """Return the part of a learner."""
        data = model._dataset(_ray_data.gather(self.parts[learner], self.names), names=_ray_data.columns(self.names))
        return Part(data, config, learner, len(self.parts))
