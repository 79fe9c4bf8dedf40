"""What is seen while cases run: a live table in terminals, lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Protocol

from asap._extras import require
from asap._watched import shows
from asap.laboratory.case import Case, Group
from asap.laboratory.outcome import Outcome
from asap.laboratory.summary import summaries

__all__ = ["Lines", "Live", "Silent", "Watch", "choose"]


class Watch(Protocol):
    """What the laboratory tells about its progress."""

    def expect(self, cases: Sequence[Case]) -> None:
        """These cases are to come."""

    def begin(self, case: Case) -> None:
        """Somebody runs this case."""

    def end(self, outcome: Outcome) -> None:
        """A case was run, or was there before."""

    def close(self) -> None:
        """Nothing is to come any more."""


class Silent:
    """Shows nothing."""

    def expect(self, cases: Sequence[Case]) -> None:
        """Show nothing."""

    def begin(self, case: Case) -> None:
        """Show nothing."""

    def end(self, outcome: Outcome) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


class Lines:
    """A line per case on standard error: for files, pipes and terminals without rich."""

    def __init__(self) -> None:
        self._expected = self._begun = 0

    def expect(self, cases: Sequence[Case]) -> None:
        """Count them."""
        self._expected += len(cases)

    def begin(self, case: Case) -> None:
        """Print which one it is."""
        self._begun += 1
        self._print(f"run {self._begun} of {self._expected}: {case}")

    def end(self, outcome: Outcome) -> None:
        """Print what was there before, or went wrong."""
        if outcome.reused:
            self._begun += 1
            self._print(f"run {self._begun} of {self._expected}: {outcome.case}: kept from before")
        if not outcome.is_success:
            words = f": {outcome.document['error']}" if not outcome.has_run else ""
            self._print(f"  {outcome.case}: {outcome.status}{words}")

    def close(self) -> None:
        """Print nothing more."""

    def _print(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class Live:
    """A table that grows on standard error, drawn between runs only: it takes no time of those on threads.

    Raises:
        ImportError: rich is not installed (extra "cli").
    """

    def __init__(self) -> None:
        require("rich", "cli", "A live table")
        from rich.console import Console
        from rich.live import Live as RichLive

        self._outcomes: list[Outcome] = []
        self._expected: dict[Group, int] = {}
        self._running: list[Group] = []
        self._start = time.monotonic()
        self._live = RichLive(console=Console(stderr=True), auto_refresh=False)
        self._live.start()

    def expect(self, cases: Sequence[Case]) -> None:
        """Make room for them."""
        for case in cases:
            self._expected[case.group] = self._expected.get(case.group, 0) + 1
        self._draw()

    def begin(self, case: Case) -> None:
        """Mark it."""
        self._running.append(case.group)
        self._draw()

    def end(self, outcome: Outcome) -> None:
        """Show its figures."""
        self._outcomes.append(outcome)
        if not outcome.reused:
            self._running.remove(outcome.case.group)
        self._draw()

    def close(self) -> None:
        """Leave the table where it is."""
        self._live.stop()

    def _draw(self) -> None:
        from asap import _tables

        rows = {summary.group: summary for summary in summaries(self._outcomes)}
        head = f"{len(self._outcomes)} of {sum(self._expected.values())} runs, {time.monotonic() - self._start:.0f} s"
        self._live.update(_tables.laboratory(head, self._expected, rows, self._running), refresh=True)


def choose(progress: bool | None) -> Watch:
    """Return the display for `progress=`: a live table in terminals, lines elsewhere, notebooks included."""
    if not shows(progress):
        return Silent()
    return Live() if sys.stderr.isatty() and _has_rich() else Lines()


def _has_rich() -> bool:
    try:
        require("rich", "cli", "A live table")
    except ImportError:
        return False
    return True
