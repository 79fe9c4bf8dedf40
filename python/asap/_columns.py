"""Text files of numbers that words of the command line name: a row per line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from asap._words import Reader

__all__ = ["columns"]


def columns(file: str, accepted: str, *readers: Reader) -> list[tuple[Any, ...]]:
    """Return the columns of a file: as many as its first line has, which is one per reader at most.

    Values are parted by spaces or a comma. Empty lines at the end are no rows.

    Raises:
        ValueError: what is `accepted`, and the first line that is none such, with its number.
        OSError: the file cannot be read.
    """
    lines = _text(file, accepted).rstrip().split("\n")
    used = readers[: len(_cells(lines[0])) or 1]
    rows = []
    for at, line in enumerate(lines, 1):
        try:
            rows.append([read(cell) for read, cell in zip(used, _cells(line), strict=True)])
        except ValueError:
            raise ValueError(f"{accepted}; got {line!r:.60} in line {at}") from None
    return list(zip(*rows, strict=True))


def _text(file: str, accepted: str) -> str:
    if not file:
        raise ValueError(f"{accepted}; got no name")
    try:
        return Path(file).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        found = f"the byte 0x{error.object[error.start]:02x} at position {error.start}, which is no UTF-8"
        raise ValueError(f"{accepted}; got {found}") from None


def _cells(line: str) -> list[str]:
    return line.replace(",", " ").split()
