"""Shows how far a download is, on standard error: a tqdm bar where one can be drawn, otherwise a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from asap._watched import is_watched

__all__ = ["show_progress"]

_MEBIBYTE = 1 << 20
_BYTES_PER_LINE = 16 * _MEBIBYTE  # while the total is not known
_LINES_PER_FILE = 10


@contextmanager
def show_progress(label: str, start: int, total: int | None, *, enabled: bool) -> Iterator[Callable[[int], object]]:
    """Yield the function that takes the number of bytes just received; `start` bytes of `total` are there already."""
    if not enabled:
        yield lambda num_bytes: None
    elif is_watched():
        with _live(label, start, total) as advance:
            yield advance
    else:
        yield _Lines(label, start, total).advance


@contextmanager
def _live(label: str, start: int, total: int | None) -> Iterator[Callable[[int], object]]:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield _Lines(label, start, total).advance
        return
    with tqdm(desc=label, initial=start, total=total, unit="B", unit_scale=True, unit_divisor=1024) as bar:
        yield bar.update


class _Lines:
    """Prints one line per tenth of the file."""

    def __init__(self, label: str, start: int, total: int | None) -> None:
        self._label, self._done, self._total = label, start, total
        self._step = max(1, total // _LINES_PER_FILE) if total else _BYTES_PER_LINE
        self._next = start + self._step

    def advance(self, num_bytes: int) -> None:
        """Count bytes just received."""
        self._done += num_bytes
        if self._done >= self._next:
            self._next = self._done - self._done % self._step + self._step
            print(f"{self._label}: {self._describe()}", file=sys.stderr, flush=True)

    def _describe(self) -> str:
        done = f"{self._done / _MEBIBYTE:.1f}"
        if not self._total:
            return f"{done} MiB"
        return f"{done} of {self._total / _MEBIBYTE:.1f} MiB ({100 * self._done // self._total} %)"
