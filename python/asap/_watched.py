"""Whether progress is shown: the one rule of all runs, comparisons and commands."""

from __future__ import annotations

import sys

from asap import _checks

__all__ = ["is_watched", "shows"]


def is_watched() -> bool:
    """Whether somebody watches standard error: in a terminal or a notebook."""
    return sys.stderr is not None and (sys.stderr.isatty() or "ipykernel" in sys.modules)


def shows(progress: bool | None) -> bool:
    """Return what `progress=` stands for: None shows it where somebody watches, True everywhere, False nowhere."""
    progress = _checks.flag_or_none("progress", progress)
    return is_watched() if progress is None else progress
