"""Shows on standard error how far a run is: a bar in a terminal or a notebook, plain lines elsewhere, or nothing."""

from __future__ import annotations

import sys
from typing import Any, Protocol

from asap._watched import is_watched, shows
from asap.history import Row
from asap.rates import Span

__all__ = ["Bar", "Lines", "Progress", "Silent", "choose"]


class Progress(Protocol):
    """What a run tells its progress display."""

    def epoch(self, row: Row) -> None:
        """A row of the history is complete."""

    def tick(self, updates: int) -> None:
        """So many updates are published."""

    def close(self) -> None:
        """The run has ended."""


class Silent:
    """Shows nothing."""

    def epoch(self, row: Row) -> None:
        """Show nothing."""

    def tick(self, updates: int) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


class Lines:
    """One plain line per epoch: for files, pipes and terminals without tqdm."""

    def epoch(self, row: Row) -> None:
        """Print the row."""
        print(
            f"epoch {row['epoch']:g}: {row['updates']:,} updates, {row['seconds']:.1f} s, {_figures(row)}",
            file=sys.stderr,
            flush=True,
        )

    def tick(self, updates: int) -> None:
        """Show nothing between epochs."""

    def close(self) -> None:
        """Show nothing more."""


class Bar:
    """A tqdm bar of updates, with the last row's figures behind it.

    Args:
        tqdm: the class `tqdm.auto.tqdm`.
        updates: length of the run; None when time alone limits it.
    """

    def __init__(self, tqdm: Any, updates: int | None) -> None:
        self._bar = tqdm(total=updates, unit=" updates", dynamic_ncols=True)

    def epoch(self, row: Row) -> None:
        """Show the row's figures."""
        self._bar.set_postfix_str(_figures(row), refresh=False)
        self.tick(int(row["updates"] or 0))

    def tick(self, updates: int) -> None:
        """Move the bar."""
        self._bar.n = updates
        self._bar.refresh()

    def close(self) -> None:
        """Leave the bar where it is."""
        self._bar.close()


def choose(progress: bool | None, span: Span) -> Progress:
    """Return the display for `progress=`."""
    if not shows(progress):
        return Silent()
    tqdm = _tqdm() if is_watched() else None
    return Lines() if tqdm is None else Bar(tqdm, span.updates)


def _tqdm() -> Any:
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm


def _figures(row: Row) -> str:
    parts = {
        "loss": ("loss", ".4f"),
        "validation_loss": ("validation loss", ".4f"),
        "accuracy": ("accuracy", ".4f"),
        "mean_tau": ("mean τ", ".2f"),
    }
    shown = [f"{label} {row[name]:{form}}" for name, (label, form) in parts.items() if row[name] is not None]
    return ", ".join(shown)
