"""A Ray Dataset as training data: cut into a part for each learner, in the object store."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

Block = dict[str, NDArray[Any]]


def is_dataset(value: object) -> bool:
    """Whether it is a Ray Dataset; who has one has imported Ray Data, which needs more than Ray."""
    module = sys.modules.get("ray.data")
    return module is not None and isinstance(value, module.Dataset)


@dataclass(frozen=True)
class Cut:
    """A data set in the object store.

    Attributes:
        names: of the two columns.
        samples: how many there are.
        first: one sample of both columns.
        parts: references to the blocks of each part, arrays by column.
    """

    names: tuple[str, str]
    samples: int
    first: Block
    parts: Sequence[Sequence[Any]]

    def fingerprint(self) -> str:
        """Return the sha256 of types, shapes and all labels or targets, whatever their order, which Ray may change."""
        digest = hashlib.sha256(f"ray dataset {self.samples};".encode())
        for name in self.names:
            digest.update(f"{name} {self.first[name].dtype.str} {self.first[name].shape[1:]};".encode())
        answers = [_column.remote(block, self.names[1]) for part in self.parts for block in part]
        every = np.concatenate([block for block in ray.get(answers) if len(block)])
        digest.update(np.sort(every.reshape(len(every), -1), axis=0).tobytes())
        return digest.hexdigest()


def columns(names: tuple[str, str]) -> tuple[str, str]:
    """Return what errors call the columns."""
    return f"column {names[0]!r} of data", f"column {names[1]!r} of data"


def cut(dataset: Any, names: tuple[str, str], parts: int) -> Cut:
    """Cut a data set into parts as equal as can be, in its order, without leaving a sample out.

    `Dataset.split` gives whole blocks, hence parts of any size, or drops what makes them unequal, and the shards of
    `Dataset.streaming_split` must be read at the same pace; learners have each its own.
    """
    if missing := [name for name in names if name not in (dataset.columns() or [])]:
        found = ", ".join(map(repr, dataset.columns() or [])) or "none"
        raise ValueError(f"data must have the columns {names[0]!r} and {names[1]!r}; lacks {missing[0]!r}, has {found}")
    whole = dataset.select_columns(list(names)).materialize()
    samples = whole.count()
    if samples < parts:
        raise ValueError(f"data must have at least one sample per learner, {parts}; got {samples}")
    ends = [samples * part // parts for part in range(1, parts)]
    pieces = whole.split_at_indices(ends) if ends else [whole]
    first = whole.take_batch(1, batch_format="numpy")
    return Cut(names, samples, first, [piece.to_numpy_refs() for piece in pieces])


def gather(blocks: Sequence[Any], names: tuple[str, str]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the columns of a part, as arrays in the memory of this process."""
    found = [block for block in ray.get(list(blocks)) if len(block[names[0]])]
    inputs, answers = (np.concatenate([block[name] for block in found]) for name in names)
    return inputs, answers


@ray.remote
def _column(block: Block, name: str) -> NDArray[Any]:
    return block[name]
