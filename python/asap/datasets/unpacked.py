"""Keeps the records of an unpacked archive in the user's cache, so that the next load maps them instead.

A file is named by the archive's sha256 and holds the records, then the sha256 of each member (raw digests in the order
of the layout). It is checked against these on each load; one that does not fit is taken as absent and written anew.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asap.datasets.cifar import Layout, digests
from asap.datasets.files import write_atomically

__all__ = ["load", "store"]

_DIGEST_BYTES = 32
_logger = logging.getLogger(__name__)


def load(cache: Path | None, archive_sha256: str, layout: Layout) -> tuple[NDArray[np.uint8], dict[str, str]] | None:
    """Return the records, mapped from the cache, with the members' sha256; None when they are not there intact."""
    if cache is None or (mapped := _map(_path(cache, archive_sha256), layout)) is None:
        return None
    records, trailer = mapped[: layout.num_bytes], mapped[layout.num_bytes :]
    found = digests(records, layout)
    if trailer.tobytes() != _trailer(found):
        _logger.warning("ignoring damaged %s", _path(cache, archive_sha256))
        return None
    return records, found


def store(cache: Path | None, archive_sha256: str, records: NDArray[np.uint8], member_sha256: dict[str, str]) -> None:
    """Keep the records when there is a cache that can be written; otherwise the next load unpacks again."""
    if cache is None:
        return
    path = _path(cache, archive_sha256)
    try:
        write_atomically(path, [records, _trailer(member_sha256)])
    except OSError as error:
        _logger.info("the unpacked records are not kept: cannot write %s (%s)", path, error)


def _path(cache: Path, archive_sha256: str) -> Path:
    return cache / f"{archive_sha256}.records"


def _trailer(member_sha256: dict[str, str]) -> bytes:
    return b"".join(bytes.fromhex(digest) for digest in member_sha256.values())


def _map(path: Path, layout: Layout) -> NDArray[np.uint8] | None:
    expected = layout.num_bytes + _DIGEST_BYTES * len(layout.files)
    try:
        if path.stat().st_size != expected:
            return None
        return np.asarray(np.memmap(path, np.uint8, "r"))
    except OSError:
        return None
