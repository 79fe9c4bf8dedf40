"""Reads CIFAR binary files: records of a label byte and a planar image (red, green, blue; each plane row by row).

The files have no header, so their size is the only sign of truncation: it must be exactly right. All records of a set
are kept as one flat byte array, and the images handed out are views of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asap.datasets.archive import read_members
from asap.datasets.files import corrupt, read_into, read_only, reading
from asap.datasets.types import Split

__all__ = ["RECORD_BYTES", "Layout", "check_labels", "digests", "read_archive", "read_files", "split"]

CHANNELS, SIDE = 3, 32
RECORD_BYTES = 1 + CHANNELS * SIDE * SIDE


@dataclass(frozen=True)
class Layout:
    """The files of a set, those to train first, and the number of records in each."""

    train_files: tuple[str, ...]
    test_files: tuple[str, ...]
    records_per_file: int

    @property
    def files(self) -> tuple[str, ...]:
        """All files in the order of their records in memory."""
        return self.train_files + self.test_files

    @property
    def num_bytes(self) -> int:
        """Bytes in all files together."""
        return len(self.files) * self.records_per_file * RECORD_BYTES

    def parts(self, records: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        """Views of the flat records, one per file."""
        return dict(zip(self.files, records.reshape(len(self.files), -1), strict=True))


def read_files(folder: Path, layout: Layout) -> NDArray[np.uint8]:
    """Return the records of plain files; raises DataError that names a file of the wrong size."""
    records = np.empty(layout.num_bytes, np.uint8)
    for name, part in layout.parts(records).items():
        _read_file(folder / name, part)
    return records


def read_archive(path: Path, prefix: str, layout: Layout) -> NDArray[np.uint8]:
    """Return the records of the files in a tar archive, where their names begin with `prefix`."""
    records = np.empty(layout.num_bytes, np.uint8)
    read_members(path, {prefix + name: part for name, part in layout.parts(records).items()})
    return records


def digests(records: NDArray[np.uint8], layout: Layout) -> dict[str, str]:
    """Return the sha256 of each file's contents."""
    return {name: hashlib.sha256(part.data).hexdigest() for name, part in layout.parts(records).items()}


def check_labels(origin: Path, records: NDArray[np.uint8], layout: Layout, num_classes: int) -> None:
    """Raise DataError for the first label out of range; names the file in `origin` and the record."""
    for name, part in layout.parts(records).items():
        labels = part[::RECORD_BYTES]
        wrong = np.flatnonzero(labels >= num_classes)
        if wrong.size:
            found = f"{labels[wrong[0]]} in record {wrong[0]} of {name}"
            raise corrupt(origin, f"labels from 0 to {num_classes - 1}", found)


def split(records: NDArray[np.uint8], layout: Layout) -> tuple[Split, Split]:
    """Return the samples to train and to test: images as channel-last views of the planar records, labels as int32."""
    table = read_only(records.reshape(-1, RECORD_BYTES))
    num_train = len(layout.train_files) * layout.records_per_file
    return _samples(table[:num_train]), _samples(table[num_train:])


def _samples(table: NDArray[np.uint8]) -> Split:
    planar = table[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE)
    return Split(planar.transpose(0, 2, 3, 1), read_only(table[:, 0].astype(np.int32)))


def _read_file(path: Path, target: NDArray[np.uint8]) -> None:
    with reading(path), path.open("rb") as stream:
        found = read_into(stream, target)
        if found < target.size:
            raise corrupt(path, f"{target.size} bytes ({target.size // RECORD_BYTES} records)", f"{found} bytes")
        if stream.read(1):
            raise corrupt(path, f"{target.size} bytes ({target.size // RECORD_BYTES} records)", "more")
