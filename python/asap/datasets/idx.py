"""Reads IDX files (MNIST and its likes): a big-endian header, then uint8 values, plain or gzip-compressed.

Header: magic number 0x0800 + dimensions (2049 for labels, 2051 for images), then the extent of each dimension as
big-endian uint32. Never more than the size that the header announces, plus one byte, is decompressed, and the header
may announce no more than the original file holds.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from asap.datasets.files import corrupt, open_contents, read_exactly, read_into, reading

__all__ = ["IdxFile", "read_idx"]


@dataclass(frozen=True)
class IdxFile:
    """One file of a set: its name without ".gz", the shape of one item, the most items, the original's sha256.

    The sha256 is that of the uncompressed contents. Labels have the item shape ``()``.
    """

    name: str
    item_shape: tuple[int, ...]
    max_count: int
    sha256: str

    @property
    def magic(self) -> int:
        """The number that an IDX file of uint8 items with this shape begins with."""
        return 0x0801 + len(self.item_shape)

    @property
    def header_bytes(self) -> int:
        """Size of magic number and extents."""
        return 4 * (2 + len(self.item_shape))

    @property
    def max_bytes(self) -> int:
        """Size of the uncompressed contents with the most items."""
        return self.header_bytes + self.max_count * math.prod(self.item_shape)

    def names(self) -> Iterator[str]:
        """Yield the file names that are accepted, the usual ones first."""
        for name in (self.name, self.name.replace("-idx", ".idx")):
            yield name
            yield f"{name}.gz"


def read_idx(path: Path, file: IdxFile) -> tuple[NDArray[np.uint8], str]:
    """Return the items, shape ``(n, *item_shape)``, and the sha256 of the uncompressed contents.

    Raises:
        DataError: the file is not such an IDX file; says what was expected and what was found.
    """
    with reading(path), open_contents(path) as stream:
        header = read_exactly(stream, file.header_bytes)
        items = np.empty(_shape(path, file, header), np.uint8)
        _fill(path, stream, items)
    digest = hashlib.sha256(header)
    digest.update(items.data)
    return items, digest.hexdigest()


def _shape(path: Path, file: IdxFile, header: bytes) -> tuple[int, ...]:
    if len(header) < file.header_bytes:
        raise corrupt(path, f"an IDX header of {file.header_bytes} bytes", f"{len(header)} bytes")
    magic, *shape = struct.unpack(f">{2 + len(file.item_shape)}I", header)
    if magic != file.magic:
        raise corrupt(path, f"magic number {file.magic}", f"{magic} (bytes {header[:4].hex(' ')})")
    if tuple(shape[1:]) != file.item_shape or not 1 <= shape[0] <= file.max_count:
        accepted = f"shape {('n', *file.item_shape)} with n from 1 to {file.max_count}".replace("'", "")
        raise corrupt(path, accepted, f"shape {tuple(shape)}")
    return tuple(shape)


def _fill(path: Path, stream: IO[bytes], items: NDArray[np.uint8]) -> None:
    expected = f"{items.size} bytes behind the header, for shape {items.shape}"
    found = read_into(stream, items.reshape(-1))
    if found < items.size:
        raise corrupt(path, expected, f"{found} (truncated)")
    if stream.read(1):
        raise corrupt(path, expected, "more")
