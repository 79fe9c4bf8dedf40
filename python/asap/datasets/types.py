"""What a loaded data set is, and the error that tells why one could not be loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["DataError", "DataSet", "Described", "SetStatus", "Split"]


class DataError(RuntimeError):
    """A data set is missing, truncated, corrupt or cannot be downloaded; the message names files and places."""


@dataclass(frozen=True, eq=False, repr=False)
class Split:
    """Samples with their class labels, in the same order.

    Attributes:
        inputs: the samples; images have shape ``(n, height, width)`` or ``(n, height, width, channels)``.
        labels: the class of each sample, int32, shape ``(n,)``.

    The arrays of :func:`asap.datasets.load` are read-only: they may be mapped from a file, and workers read them
    while they train.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        inputs, labels = self.inputs, self.labels
        return f"Split(inputs={inputs.dtype} {inputs.shape}, labels={labels.dtype} {labels.shape})"


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set ready for training.

    Attributes:
        name: what it was loaded as, for example ``"mnist"``.
        train: the samples to learn from.
        test: the samples to judge by.
        classes: a readable name per label: ``classes[label]``.
        source: which contents these are, how they were recognised and where they were found.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    source: str


@runtime_checkable
class Described(Protocol):
    """Samples that are not loaded, of which is known what a model for them looks like."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of a sample."""

    @property
    def num_classes(self) -> int:
        """How many classes there are."""


@dataclass(frozen=True)
class SetStatus:
    """Where a data set stands on this machine.

    Attributes:
        name: the name that :func:`asap.datasets.load` takes.
        place: the folder it is found in; None when it is not found or comes with a package.
        size_bytes: size of its files on disk.
        source: what the contents are recognised as; empty when the set is not found or damaged.
        problem: why the set cannot be loaded as things stand (without a download); empty when it can.
    """

    name: str
    place: Path | None
    size_bytes: int
    source: str
    problem: str

    @property
    def found(self) -> bool:
        """Whether the set can be loaded without a download."""
        return not self.problem
