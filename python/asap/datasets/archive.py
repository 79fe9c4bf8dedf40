"""Reads chosen members of a tar archive (plain, gzip or xz) straight into memory; nothing is ever unpacked to disk.

Members count only by their exact name, links and sparse files under such a name are refused, and what may be
decompressed in all is bounded by the sizes asked for, whatever else the archive says or holds.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from asap.datasets.files import CHUNK_BYTES, Reader, corrupt, open_contents, read_into, reading
from asap.datasets.types import DataError

__all__ = ["read_members"]

_SLACK_BYTES = 1 << 20  # tar headers and small companions such as a readme


def read_members(path: Path, targets: Mapping[str, NDArray[np.uint8]]) -> None:
    """Fill each flat byte array with the archive member of that name, which must have exactly its size.

    Raises:
        DataError: the archive is truncated, damaged or too large, or a member is missing, twice there, not a plain
            file, or of another size; says which.
    """
    with reading(path), _tar_errors(path), open_contents(path) as stream:
        bounded = _Bounded(path, stream, sum(target.size for target in targets.values()) + _SLACK_BYTES)
        missing = set(targets)
        with tarfile.open(fileobj=bounded, mode="r|") as archive:  # type: ignore[call-overload]
            for member in archive:
                bounded.check_reach(archive.offset)
                if member.name in targets:
                    _check_member(path, member, targets[member.name].size, first=member.name in missing)
                    _fill(path, archive, member, targets[member.name])
                    missing.discard(member.name)
        while bounded.read(CHUNK_BYTES):  # to the end, where the compressed stream's own checksum is
            pass
    if missing:
        raise corrupt(path, f"the members {', '.join(targets)}", f"none named {', '.join(sorted(missing))}")


class _Bounded:
    """A stream that refuses to yield more than `limit` bytes: what a decompression bomb runs into."""

    def __init__(self, path: Path, stream: Reader, limit: int) -> None:
        self._path, self._stream, self._limit, self._left = path, stream, limit, limit

    def read(self, size: int, /) -> bytes:
        part = self._stream.read(min(size, self._left + 1))
        self._left -= len(part)
        if self._left < 0:
            raise self._too_large()
        return part

    def check_reach(self, position: int) -> None:
        """Refuse to go as far as a header says: tarfile would read on to there, block by block, behind the end too."""
        if position > self._limit:
            raise self._too_large()

    def _too_large(self) -> DataError:
        return corrupt(self._path, f"at most {self._limit} bytes of contents", "more")


@contextmanager
def _tar_errors(path: Path) -> Iterator[None]:
    # Hostile headers make tarfile raise more than its own errors: numbers that do not parse, chains that nest too deep.
    try:
        yield
    except (tarfile.TarError, ValueError, OverflowError, RecursionError) as error:
        raise corrupt(path, "an intact tar archive", f"damage ({error})") from error


def _check_member(path: Path, member: tarfile.TarInfo, size: int, *, first: bool) -> None:
    if not first:
        raise corrupt(path, f"one member {member.name}", "two")
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.issparse():
        raise corrupt(path, f"a plain file as member {member.name}", "a link or another special member")
    if member.size != size:
        raise corrupt(path, f"{size} bytes in member {member.name}", member.size)


def _fill(path: Path, archive: tarfile.TarFile, member: tarfile.TarInfo, target: NDArray[np.uint8]) -> None:
    stream: IO[bytes] | None = archive.extractfile(member)
    found = read_into(stream, target) if stream else 0
    if found < target.size:
        raise corrupt(path, f"{target.size} bytes in member {member.name}", f"{found} (truncated)")
