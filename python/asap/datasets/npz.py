"""Arrays in .npz files: their headers alone, or all of them."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from asap.datasets.types import DataError

__all__ = ["Header", "arrays", "headers"]

_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of compression, as NumPy uses them


class Header(NamedTuple):
    """What an array is like."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def headers(file: str, names: Sequence[str]) -> list[Header]:
    """Return what the arrays of these names are like, without reading their values.

    Raises:
        FileNotFoundError: there is no such file.
        DataError: it is damaged, no .npz file, or lacks one of them.
    """
    with _reading(file, names) as archive:
        return [_header(archive, name) for name in names]


def arrays(file: str, names: Sequence[str]) -> list[NDArray[Any]]:
    """Return the arrays of these names; raises as `headers` does."""
    with _reading(file, names) as archive:
        return [_array(archive, name) for name in names]


@contextmanager
def _reading(file: str, names: Sequence[str]) -> Iterator[zipfile.ZipFile]:
    """Open the file, and turn whatever is raised where it is damaged into an error that names it."""
    try:
        with zipfile.ZipFile(file) as archive:
            there = [name.removesuffix(".npy") for name in archive.namelist()]
            if missing := [name for name in names if name not in there]:
                found = f"{', '.join(there) or 'nothing'}, not {', '.join(missing)}"
                raise DataError(f"{file}: expected the arrays {' and '.join(names)}; found {found}")
            yield archive
    except (FileNotFoundError, DataError):
        raise
    except Exception as error:  # zip, its compressions and NumPy have a dozen kinds of errors for damage
        raise DataError(f"{file}: expected a file that numpy.savez wrote; found damage ({error})") from error


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    _header(archive, name)  # refuses one that announces more than there is
    with archive.open(f"{name}.npy") as member:
        array: NDArray[Any] = npy.read_array(member, allow_pickle=False)
    return array


def _header(archive: zipfile.ZipFile, name: str) -> Header:
    with _opened(archive, name) as member:
        version = npy.read_magic(member)
        if version not in _READERS:
            raise ValueError(f"{name} in version {version} of NumPy's format")
        shape, _, dtype = _READERS[version](member)
        announced = member.tell() + math.prod(shape) * dtype.itemsize
    there = archive.getinfo(f"{name}.npy").file_size
    if announced != there:
        raise ValueError(f"{name} should have {announced} bytes and has {there}")
    return Header(shape, dtype)


def _opened(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    method = archive.getinfo(f"{name}.npy").compress_type
    if method not in _METHODS:
        raise ValueError(f"{name} compressed by method {method}")
    return archive.open(f"{name}.npy")
