"""Where data sets may lie on this machine, in the order in which they are looked for."""

from __future__ import annotations

import os
from pathlib import Path

from asap import _checks

__all__ = ["cache_folder", "search"]


def search(name: str, directory: str | os.PathLike[str] | None) -> list[Path]:
    """Return the folders to look in: the given one or ASAP_DATA_DIR, each with its sub-folder first, then the cache."""
    given = os.environ.get("ASAP_DATA_DIR") or None
    if directory is not None:
        given = _checks.path("directory", directory, "the name of a folder, or None")
    places = [] if given is None else [Path(given) / name, Path(given)]
    cache = cache_folder(name)
    return places if cache is None else [*places, cache]


def cache_folder(name: str) -> Path | None:
    """Return the set's folder in the user's cache (it may not exist yet); None when there is no home to put it in."""
    root = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(root):  # the XDG specification has relative paths ignored
        return Path(root) / "asap" / "datasets" / name
    try:
        return Path.home() / ".cache" / "asap" / "datasets" / name
    except RuntimeError:
        return None
