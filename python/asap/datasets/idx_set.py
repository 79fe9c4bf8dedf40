"""A data set in four IDX files: images and labels to train, images and labels to test."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asap.datasets.files import corrupt, read_only
from asap.datasets.idx import IdxFile, read_idx
from asap.datasets.recipe import Fetch, Finding, Reading
from asap.datasets.types import DataError, DataSet, Split

__all__ = ["IdxSet"]

_GZIP_OVERHEAD_BYTES = 1 << 16  # what gzip may add to contents that it cannot compress


@dataclass(frozen=True)
class IdxSet:
    """A :class:`~asap.datasets.recipe.Recipe` for MNIST and the sets made in its likeness.

    Attributes:
        name: what :func:`asap.datasets.load` calls it.
        classes: a readable name per label.
        mirrors: addresses that end in "/"; the files lie there as ``<name>.gz``.
        train_images, train_labels, test_images, test_labels: the files.
    """

    name: str
    classes: tuple[str, ...]
    mirrors: tuple[str, ...]
    train_images: IdxFile
    train_labels: IdxFile
    test_images: IdxFile
    test_labels: IdxFile

    @property
    def files(self) -> tuple[IdxFile, ...]:
        """The four files in the order of their fields."""
        return self.train_images, self.train_labels, self.test_images, self.test_labels

    @property
    def expected(self) -> str:
        """The files it consists of, in words."""
        return ", ".join(file.name for file in self.files) + " (each plain or .gz)"

    @property
    def contents(self) -> dict[str, str]:
        """The sha256 of each original's uncompressed contents, with the file's name."""
        return {file.sha256: file.name for file in self.files}

    def find(self, folder: Path) -> Finding:
        """Look for the four files in a folder."""
        found = {file.name: _find_file(folder, file) for file in self.files}
        paths = tuple(path for path in found.values() if path is not None)
        return Finding(folder, paths, tuple(name for name, path in found.items() if path is None))

    def read(self, finding: Finding, cache: Path | None) -> Reading:
        """Load the four files; raises DataError that names the file when one is damaged."""
        items, digests = zip(*map(read_idx, finding.paths, self.files), strict=True)
        train = self._split(finding.paths[:2], *items[:2])
        test = self._split(finding.paths[2:], *items[2:])
        unknown = {
            str(path): digest
            for path, file, digest in zip(finding.paths, self.files, digests, strict=True)
            if digest != file.sha256
        }
        source = f"{self._describe(len(unknown))}, in {finding.folder}"
        return Reading(DataSet(self.name, train, test, self.classes, source), unknown)

    def identify(self, finding: Finding, cache: Path | None) -> str:
        """Say which contents the four files hold."""
        return self.read(finding, cache).data_set.source

    def fetch(self, folder: Path, fetch: Fetch) -> None:
        """Download the files that are missing in the folder."""
        for file in self.files:
            if _find_file(folder, file) is None:
                urls = [f"{mirror}{file.name}.gz" for mirror in self.mirrors]
                limit = file.max_bytes + _GZIP_OVERHEAD_BYTES
                fetch(urls, folder / f"{file.name}.gz", _Verifier(file), max_bytes=limit)

    def _split(self, paths: tuple[Path, ...], images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Split:
        images_path, labels_path = paths
        if len(images) != len(labels):
            raise corrupt(labels_path, f"{len(images)} labels, one per image of {images_path.name}", len(labels))
        wrong = np.flatnonzero(labels >= len(self.classes))
        if wrong.size:
            found = f"{labels[wrong[0]]} at index {wrong[0]}"
            raise corrupt(labels_path, f"labels from 0 to {len(self.classes) - 1}", found)
        return Split(read_only(images), read_only(labels.astype(np.int32)))

    def _describe(self, num_unknown: int) -> str:
        if num_unknown:
            return f"unknown contents in {num_unknown} of {len(self.files)} files"
        return "original contents (recognised by sha256)"


@dataclass(frozen=True)
class _Verifier:
    """Accepts a downloaded file whose uncompressed contents are the original's."""

    file: IdxFile

    def __call__(self, path: Path) -> None:
        _, digest = read_idx(path, self.file)
        if digest != self.file.sha256:
            raise DataError(f"expected contents with sha256 {self.file.sha256}; found {digest}")


def _find_file(folder: Path, file: IdxFile) -> Path | None:
    return next((path for name in file.names() if os.path.isfile(path := folder / name)), None)
