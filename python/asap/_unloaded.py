"""Training data that the calling process does not hold, and what a run asks of it all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from asap import _core


@dataclass(frozen=True)
class Unloaded:
    """Training data elsewhere.

    Attributes:
        samples: how many there are.
        fingerprint: what tells whether two such are the same; made when it is needed.
        take: loads the samples of these numbers; None where samples have no numbers that hold for the whole run.
    """

    samples: int
    fingerprint: Callable[[], str]
    take: Callable[[NDArray[Any]], _core.Dataset] | None = None

    def __len__(self) -> int:
        return self.samples
