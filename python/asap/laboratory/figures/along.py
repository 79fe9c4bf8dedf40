"""What runs are drawn along: updates, epochs, and the seconds of each clock by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from asap.laboratory.outcome import Outcome

__all__ = ["EPOCHS", "UPDATES", "Along", "clocks"]


class Along(NamedTuple):
    """The axis of a figure.

    Attributes:
        column: of `asap.laboratory.Outcome.losses`.
        words: what it is.
        name: of it, in the names of files.
        unit: behind its words; "" where they are the unit.
    """

    column: str
    words: str
    name: str
    unit: str = ""

    def label(self, what: str = "") -> str:
        """Return the axis's label, with what it leads to."""
        return ", ".join(filter(None, (f"{self.words} {what}".rstrip(), self.unit)))


UPDATES = Along("updates", "updates", "updates")
EPOCHS = Along("epoch", "epochs", "epoch")
_CLOCKS = {
    "wall-clock": Along("seconds", "wall-clock time", "seconds", "s"),
    "virtual": Along("seconds", "virtual time", "virtual-seconds", "s"),
}


def clocks(outcomes: Sequence[Outcome]) -> Iterator[tuple[Along, list[Outcome]]]:
    """Return the outcomes of each clock: the seconds of threads and virtual ones do not stand on one axis."""
    for clock, along in _CLOCKS.items():
        own = [outcome for outcome in outcomes if (outcome.case.simulated is None) == (clock == "wall-clock")]
        if own:
            yield along, own
