"""Careful file handling: bounded decompression, exact reads, atomic writes, hashes."""

from __future__ import annotations

import errno
import gzip
import hashlib
import lzma
import os
import secrets
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from asap.datasets.types import DataError

__all__ = [
    "corrupt",
    "expect_writable",
    "open_contents",
    "publish",
    "read_exactly",
    "read_into",
    "read_only",
    "reading",
    "sha256_of_file",
    "write_atomically",
]

CHUNK_BYTES = 1 << 20
_GZIP_MAGIC = b"\x1f\x8b"
_XZ_MAGIC = b"\xfd7zXZ\x00"


class Reader(Protocol):
    """Anything with a binary read."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


def corrupt(path: Path, expected: object, found: object) -> DataError:
    """Return the error for a file whose contents are not what they should be."""
    return DataError(f"{path}: expected {expected}; found {found}")


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a broken or unreadable file raises into a DataError that names the file."""
    try:
        yield
    except EOFError as error:
        raise corrupt(path, "a complete compressed stream", "that it ends too early (truncated)") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise corrupt(path, "an intact gzip stream", f"damage ({error})") from error
    except lzma.LZMAError as error:
        raise corrupt(path, "an intact xz stream", f"damage ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def open_contents(path: Path) -> IO[bytes]:
    """Open a plain, gzip or xz file for its uncompressed contents; the first bytes tell which it is."""
    with path.open("rb") as file:
        start = file.read(len(_XZ_MAGIC))
    if start.startswith(_GZIP_MAGIC):
        return gzip.GzipFile(path, "rb")  # type: ignore[return-value]
    if start == _XZ_MAGIC:
        return lzma.LZMAFile(path, "rb")
    return path.open("rb")


def read_exactly(stream: Reader, size: int) -> bytes:
    """Return `size` bytes, fewer only at the end of the stream."""
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(min(size, CHUNK_BYTES))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def read_into(stream: Reader, target: NDArray[np.uint8]) -> int:
    """Fill a flat byte array from the stream; return the number of bytes read, fewer only at the end of the stream."""
    filled = 0
    while filled < target.size and (part := stream.read(min(target.size - filled, CHUNK_BYTES))):
        target[filled : filled + len(part)] = np.frombuffer(part, np.uint8)
        filled += len(part)
    return filled


def sha256_of_file(path: Path) -> str:
    """Return the sha256 of the file's bytes as they lie on disk."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(CHUNK_BYTES):
            digest.update(part)
    return digest.hexdigest()


def publish(temporary: Path, target: Path) -> None:
    """Put a completely written file in place: readers see the old file or the new one, also after a power cut."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(temporary, target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def expect_writable(target: Path) -> None:
    """Raise an OSError where `target` could not be written, as far as that can be told without writing."""
    folder = next(each for each in target.absolute().parents if each.exists())
    if target.is_dir():
        number = errno.EISDIR
    elif not folder.is_dir():
        number = errno.ENOTDIR
    elif not os.access(folder, os.W_OK | os.X_OK):
        number = errno.EACCES
    else:
        return
    raise OSError(number, os.strerror(number), str(target))


def write_atomically(target: Path, parts: Iterable[bytes | memoryview | NDArray[Any]]) -> None:
    """Write the parts one after the other to `target`, all or nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            for part in parts:
                file.write(part.data if isinstance(part, np.ndarray) else part)
        publish(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array with writing switched off."""
    array.flags.writeable = False
    return array
