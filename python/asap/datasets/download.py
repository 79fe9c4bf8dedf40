"""Downloads a file: several addresses, resumed after a cut, checked before it is put in place, atomically.

Bytes arrive in ``<file>.part``, which outlives a failure, so that the next attempt asks only for the rest (HTTP Range;
a server that sends everything again is understood, too). The file gets its name only once `verify` has accepted it.
Processes that want the same file take turns.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from asap.datasets.files import publish
from asap.datasets.transfer import CutError, Transfer
from asap.datasets.types import DataError

__all__ = ["fetch"]

PAUSE_SECONDS = 1.0  # between two attempts at the same address
_ATTEMPTS = 5


def fetch(
    urls: Sequence[str],
    target: Path,
    verify: Callable[[Path], None],
    *,
    max_bytes: int,
    progress: bool = True,
    _allow_loopback_http: bool = False,
) -> None:
    """Download the first of `urls` whose contents `verify` accepts to `target`.

    Args:
        urls: https addresses of the same file, tried in this order.
        target: where the file goes; its folder is made when needed.
        verify: called with the path of the received file; raises DataError when the contents are wrong.
        max_bytes: the most that is received.
        progress: whether progress is shown on standard error.

    Raises:
        DataError: no address gave the file (names each with what happened), or the folder cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    transfer = Transfer(part, max_bytes, label=target.name, progress=progress, allow_loopback_http=_allow_loopback_http)
    with _writing(target.parent), _turn(target):
        if target.is_file():  # another process fetched it while this one waited
            return
        _receive_from_first(urls, transfer, verify)
        publish(part, target)


def _receive_from_first(urls: Sequence[str], transfer: Transfer, verify: Callable[[Path], None]) -> None:
    failures = []
    for url in urls:
        try:
            return _receive_from(url, transfer, verify)
        except DataError as error:
            failures.append(f"    {url}: {error}")
    raise DataError("\n".join(failures))


def _receive_from(url: str, transfer: Transfer, verify: Callable[[Path], None]) -> None:
    problem: DataError
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        try:
            start = transfer.receive(url)
        except CutError as error:
            problem = error
            continue
        try:
            return verify(transfer.part)
        except DataError as error:
            transfer.part.unlink()
            if start == 0:
                raise
            problem = error  # perhaps the bytes of an earlier attempt are to blame: begin again
    raise problem


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise DataError(f"    {folder}: cannot be written ({error.strerror or error})") from error


@contextmanager
def _turn(target: Path) -> Iterator[None]:
    # The lock file stays: were it removed, a process that waits for it and one that makes it anew could both go on.
    with target.with_name(f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
