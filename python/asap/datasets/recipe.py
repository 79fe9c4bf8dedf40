"""What every data set that comes in files can do: be found in a folder, read, identified and fetched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from asap.datasets.types import DataSet

__all__ = ["Fetch", "Finding", "Reading", "Recipe"]


class Fetch(Protocol):
    """Download one file from the first address that gives contents which `verify` accepts."""

    def __call__(self, urls: Sequence[str], target: Path, verify: Callable[[Path], None], *, max_bytes: int) -> None:
        """Put the file at `target`; raises DataError when no address gives it."""


@dataclass(frozen=True)
class Finding:
    """A data set's files as found in one folder: the folder, the paths, and what is missing to be complete."""

    folder: Path
    paths: tuple[Path, ...]
    missing: tuple[str, ...]

    def size_bytes(self) -> int:
        """Size of the files on disk."""
        return sum(path.stat().st_size for path in self.paths)


@dataclass(frozen=True)
class Reading:
    """A data set as read, and the sha256 of each of its files whose contents are not known."""

    data_set: DataSet
    unknown: Mapping[str, str]


class Recipe(Protocol):
    """A data set that comes in files. `cache` is the set's own folder in the user's cache; None when there is none."""

    @property
    def name(self) -> str:
        """What :func:`asap.datasets.load` calls it."""

    @property
    def expected(self) -> str:
        """The files it consists of, in words."""

    @property
    def contents(self) -> Mapping[str, str]:
        """Originals' sha256 with the file names: tells when a file lies under another file's name."""

    def find(self, folder: Path) -> Finding:
        """Look for the files in a folder."""

    def read(self, finding: Finding, cache: Path | None) -> Reading:
        """Load a complete finding; raises DataError that names the file when one is damaged."""

    def identify(self, finding: Finding, cache: Path | None) -> str:
        """Say which contents a complete finding holds, without unpacking large archives."""

    def fetch(self, folder: Path, fetch: Fetch) -> None:
        """Download what is missing in the folder."""
