"""Notes on exceptions, which Python itself knows from 3.11 on."""

from __future__ import annotations


def add_note(error: BaseException, note: str) -> None:
    """Add a line that is shown below the exception; Python 3.10 keeps it without showing it."""
    if hasattr(error, "add_note"):
        error.add_note(note)
    else:
        error.__notes__ = [*getattr(error, "__notes__", []), note]
