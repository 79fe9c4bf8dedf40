"""Where a learner gets its data: told to it in few bytes, loaded in its own process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import ray

from asap import datasets
from asap.model import DataLike


@dataclass(frozen=True)
class Named:
    """The training split of a data set by its name, which every learner loads (from its own disk, mapped)."""

    name: str

    def load(self) -> DataLike:
        """Return the data."""
        return datasets.load(self.name).train


@dataclass(frozen=True)
class Stored:
    """Arrays in Ray's object store, which the learners of a node share without a copy.

    Attributes:
        arrays: a reference in a list, so that it travels as one.
    """

    arrays: Sequence[Any]

    def load(self) -> DataLike:
        """Return the data."""
        inputs, answers = ray.get(list(self.arrays))
        return inputs, answers


Source = Named | Stored
