"""A data set in CIFAR binary files, as a folder of plain files or as a tar archive (plain, gzip or xz)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asap.datasets import cifar, unpacked
from asap.datasets.files import sha256_of_file
from asap.datasets.recipe import Fetch, Finding, Reading
from asap.datasets.types import DataError, DataSet

__all__ = ["CifarSet", "Edition"]

_MAX_ARCHIVE_BYTES = 1 << 28


@dataclass(frozen=True)
class Edition:
    """Contents that are known.

    Attributes:
        description: what these contents are, for people.
        archives: sha256 of whole archives that hold them.
        file_digests: per file, "sha256:<hex>" of its contents or "git:<hex>" for the SHA-1 that git names them by.
    """

    description: str
    archives: frozenset[str]
    file_digests: Mapping[str, str]


@dataclass(frozen=True)
class _Contents:
    """Records with what is known of them: each file's sha256, and that of the archive they come from, if any."""

    records: NDArray[np.uint8]
    file_sha256: dict[str, str]
    archive_sha256: str | None = None


@dataclass(frozen=True)
class CifarSet:
    """A :class:`~asap.datasets.recipe.Recipe` for CIFAR-10.

    Attributes:
        name: what :func:`asap.datasets.load` calls it.
        classes: a readable name per label.
        mirrors: addresses that end in "/"; the archive lies there as ``<archive>.tar.gz``.
        archive: the archive's name without ".tar" and what follows.
        prefix: the folder of the files, in the archive or on disk, with "/" at the end.
        layout: the files and their order.
        editions: the known contents; the first is the original, which a download must have.
    """

    name: str
    classes: tuple[str, ...]
    mirrors: tuple[str, ...]
    archive: str
    prefix: str
    layout: cifar.Layout
    editions: tuple[Edition, ...]

    @property
    def expected(self) -> str:
        """The files it consists of, in words."""
        return f"{', '.join(self.layout.files)} (in {self.prefix} or directly), or {self.archive}.tar, .tar.gz, .tar.xz"

    @property
    def contents(self) -> dict[str, str]:
        """No file of this set can be taken for one of another set."""
        return {}

    def find(self, folder: Path) -> Finding:
        """Look for the plain files, then for an archive, in a folder."""
        candidates = [self._find_files(folder / self.prefix), self._find_files(folder)]
        for finding in candidates:
            if not finding.missing:
                return finding
        for suffix in (".tar", ".tar.gz", ".tar.xz"):
            if os.path.isfile(path := folder / f"{self.archive}{suffix}"):
                return Finding(folder, (path,), ())
        return max(candidates, key=lambda finding: len(finding.paths))

    def read(self, finding: Finding, cache: Path | None) -> Reading:
        """Load the records; raises DataError that names the file when one is damaged."""
        contents = self._contents(finding, cache)
        origin = finding.folder if contents.archive_sha256 is None else finding.paths[0]
        cifar.check_labels(origin, contents.records, self.layout, len(self.classes))
        edition = self._edition(contents)
        unknown = {} if edition else {f"{origin}: {name}": digest for name, digest in contents.file_sha256.items()}
        train, test = cifar.split(contents.records, self.layout)
        source = f"{edition.description if edition else 'unknown contents'}, in {origin}"
        return Reading(DataSet(self.name, train, test, self.classes, source), unknown)

    def identify(self, finding: Finding, cache: Path | None) -> str:
        """Say which contents a finding holds; an unknown archive that was never loaded stays packed."""
        if not self._is_archive(finding):
            return self.read(finding, cache).data_set.source
        digest = sha256_of_file(finding.paths[0])
        edition = self._edition_of_archive(digest)
        if edition is None and unpacked.load(cache, digest, self.layout) is not None:
            return self.read(finding, cache).data_set.source
        description = edition.description if edition else f"archive with unknown sha256 {digest}, checked when loaded"
        return f"{description}, in {finding.paths[0]}"

    def fetch(self, folder: Path, fetch: Fetch) -> None:
        """Download the original archive."""
        urls = [f"{mirror}{self.archive}.tar.gz" for mirror in self.mirrors]
        fetch(urls, folder / f"{self.archive}.tar.gz", self._verify, max_bytes=_MAX_ARCHIVE_BYTES)

    def _verify(self, path: Path) -> None:
        digest, accepted = sha256_of_file(path), self.editions[0].archives
        if digest not in accepted:
            raise DataError(f"expected an archive with sha256 {' or '.join(sorted(accepted))}; found {digest}")

    def _find_files(self, folder: Path) -> Finding:
        found = {name: os.path.isfile(folder / name) for name in self.layout.files}
        paths = tuple(folder / name for name, is_there in found.items() if is_there)
        return Finding(folder, paths, tuple(name for name, is_there in found.items() if not is_there))

    def _is_archive(self, finding: Finding) -> bool:
        return finding.paths[0].name.startswith(f"{self.archive}.tar")

    def _contents(self, finding: Finding, cache: Path | None) -> _Contents:
        if self._is_archive(finding):
            return self._unpack(finding.paths[0], cache)
        records = cifar.read_files(finding.folder, self.layout)
        return _Contents(records, cifar.digests(records, self.layout))

    def _unpack(self, path: Path, cache: Path | None) -> _Contents:
        archive_sha256 = sha256_of_file(path)
        if (kept := unpacked.load(cache, archive_sha256, self.layout)) is not None:
            return _Contents(*kept, archive_sha256)
        records = cifar.read_archive(path, self.prefix, self.layout)
        file_sha256 = cifar.digests(records, self.layout)
        unpacked.store(cache, archive_sha256, records, file_sha256)
        return _Contents(records, file_sha256, archive_sha256)

    def _edition(self, contents: _Contents) -> Edition | None:
        return self._edition_of_archive(contents.archive_sha256) or self._edition_of_files(contents)

    def _edition_of_archive(self, sha256: str | None) -> Edition | None:
        return next((edition for edition in self.editions if sha256 in edition.archives), None)

    def _edition_of_files(self, contents: _Contents) -> Edition | None:
        parts = self.layout.parts(contents.records)

        def is_file_of(edition: Edition, name: str) -> bool:
            kind, _, digest = edition.file_digests[name].partition(":")
            return digest == (contents.file_sha256[name] if kind == "sha256" else _git_blob_sha1(parts[name]))

        return next((e for e in self.editions if all(is_file_of(e, name) for name in self.layout.files)), None)


def _git_blob_sha1(contents: NDArray[np.uint8]) -> str:
    digest = hashlib.sha1(b"blob %d\0" % contents.size, usedforsecurity=False)
    digest.update(contents.data)
    return digest.hexdigest()
