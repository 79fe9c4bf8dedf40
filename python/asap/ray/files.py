"""Training data in .npz files, of which each learner reads some."""

from __future__ import annotations

import glob
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from asap import _checks
from asap.datasets import DataError, npz
from asap.datasets.npz import Header

__all__ = ["Files"]


class Files:
    """Files of NumPy arrays as training data of `asap.ray.train`: of n learners, each reads every n-th file.

    A file is what ``numpy.savez(path, inputs=…, labels=…)`` writes: samples and their labels, or targets, as
    `asap.train` takes them. This process reads how many there are, from the headers; learner k reads the samples of
    files k, k + n, k + 2n, …, and trains on no others.

    >>> files = asap.ray.Files("/data/part-*.npz")                              # doctest: +SKIP
    >>> asap.ray.train(asap.models.MLP(files), files, learners=4)               # doctest: +SKIP

    Args:
        pattern: of the files, as in a shell; ** stands for folders in folders. Their sorted names are their order. A
            learner must reach its files under the same names.

    Attributes:
        files: absolute names, in their order.

    Raises:
        TypeError, ValueError: the pattern is no string.
        FileNotFoundError: no file matches.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = _checks.path("pattern", pattern, "a pattern of files, such as 'part-*.npz'")
        self.files = tuple(sorted(glob.glob(os.path.abspath(self.pattern), recursive=True)))
        if not self.files:
            raise FileNotFoundError(f"no file matches {self.pattern!r}")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of a sample, from the header of the first file.

        Raises:
            DataError: that file is damaged, or lacks inputs; names it.
        """
        return npz.headers(self.files[0], ("inputs",))[0].shape[1:]

    @cached_property
    def num_classes(self) -> int:
        """How many classes there are: the largest label of all files and one. Reads all labels, but no inputs.

        Raises:
            DataError: a file is damaged, or lacks labels; names it.
            TypeError: labels are no integers.
        """
        largest = 0
        for file in self.files:
            labels = npz.arrays(file, ("labels",))[0]
            if labels.dtype.kind not in "iu":
                raise TypeError(f"labels of {file} must be integers; got {labels.dtype}")
            largest = max(largest, int(labels.max(initial=0)))
        return largest + 1

    def __repr__(self) -> str:
        return f"Files({self.pattern!r}: {len(self.files):,} files)"


@dataclass(frozen=True)
class Survey:
    """What the headers say.

    Attributes:
        files: their names.
        names: of the two arrays in each.
        headers: type and shape of both, per file.
    """

    files: tuple[str, ...]
    names: tuple[str, str]
    headers: tuple[tuple[Header, Header], ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many samples each file has."""
        return tuple(inputs.shape[0] for inputs, _ in self.headers)

    def fingerprint(self) -> str:
        """Return the sha256 of names and sizes of the files, and of types and shapes: contents are read by learners."""
        digest = hashlib.sha256(b"files;")
        folder = os.path.commonpath([os.path.dirname(file) for file in self.files])
        for file, headers in zip(self.files, self.headers, strict=True):
            shapes = " ".join(f"{header.dtype.str} {header.shape}" for header in headers)
            digest.update(f"{os.path.relpath(file, folder)} {os.path.getsize(file)} {shapes};".encode())
        return digest.hexdigest()


def survey(files: Sequence[str], names: tuple[str, str]) -> Survey:
    """Read the headers, and refuse files that do not belong together.

    Raises:
        DataError: a file is damaged, lacks an array, or its arrays fit neither each other nor those of the first file.
    """
    found = Survey(tuple(files), names, tuple(_pair(file, names) for file in files))
    first = found.headers[0]
    for file, headers in zip(files, found.headers, strict=True):
        for name, header, expected in zip(names, headers, first, strict=True):
            if (header.dtype, header.shape[1:]) != (expected.dtype, expected.shape[1:]):
                needed = f"{name} of {_sample(expected)}, as in {files[0]}"
                raise DataError(f"{file}: expected {needed}; found {_sample(header)}")
    return found


def _pair(file: str, names: tuple[str, str]) -> tuple[Header, Header]:
    inputs, answers = npz.headers(file, names)
    if not inputs.shape or inputs.shape[:1] != answers.shape[:1] or inputs.shape[0] == 0:
        expected = f"{names[0]} and {names[1]} of as many samples, one or more"
        raise DataError(f"{file}: expected {expected}; found shapes {inputs.shape} and {answers.shape}")
    return inputs, answers


def _sample(header: Header) -> str:
    return f"{header.dtype} samples of shape {header.shape[1:]}"


def described(header: Header) -> np.ndarray[Any, Any]:
    """Return an array of such type and shape that takes no memory: for checks of both."""
    return np.broadcast_to(np.zeros((), header.dtype), header.shape)
