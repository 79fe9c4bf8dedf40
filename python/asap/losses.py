"""How the training loss of a run fell: on snapshots of its parameters, evaluated when the run was over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asap import _checks

__all__ = ["Losses", "Snapshots"]

COLUMNS = {
    "updates": "updates published before the snapshot: its version",
    "epoch": "epochs of data worked on by then",
    "seconds": "since the workers started",
    "loss": "mean training loss on the snapshot, without weight decay; None where it is not finite",
}


@dataclass(frozen=True)
class Snapshots:
    """Take snapshots of the parameters during a run, and evaluate the training loss on them when it is over.

    The worker that publishes every N-th update makes a copy, whose version is known exactly; others may have
    published meanwhile. Where the calling thread cannot follow, on a machine with much else to do, some are left
    out. Nothing is evaluated while the workers work. The parameters to start from and those that the run ends with
    come first and last. Takes a vector per snapshot in a temporary file (of the folder that `tempfile` names), and
    16 in memory.

    Args:
        every: N ≥ 1, in published updates.
        samples: on how many of the training samples the loss is evaluated, drawn once, the same in every run on the
            same data; None, or more than there are: on all.
    """

    every: int
    samples: int | None = 10_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "every", _checks.integer("every", self.every, 1))
        if self.samples is not None:
            object.__setattr__(self, "samples", _checks.integer("samples", self.samples, 1))


def as_snapshots(value: object) -> Snapshots | None:
    """Return the snapshots argument of a run; an integer N is `Snapshots(N)`."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        return Snapshots(_checks.integer("snapshots", value, 1))
    accepted = "None, a number of updates, or asap.Snapshots(100)"
    return None if value is None else _checks.instance("snapshots", value, Snapshots, accepted)


class Losses:
    """The training loss on the snapshots of a run, in the order of its updates.

    Attributes:
        updates: versions of the snapshots, shape (n,), rising.
        epoch: epochs of data worked on by then, shape (n,).
        seconds: since the workers started, shape (n,).
        loss: mean training loss, shape (n,); NaN where it was not finite.

    Iterating gives rows, dicts of these four columns.
    """

    def __init__(self, updates: ArrayLike, epoch: ArrayLike, seconds: ArrayLike, loss: ArrayLike) -> None:
        self.updates = np.asarray(updates, np.int64)
        self.epoch, self.seconds, self.loss = (np.asarray(each, np.float64) for each in (epoch, seconds, loss))
        self.loss = np.where(np.isfinite(self.loss), self.loss, np.nan)
        lengths = {len(self._column(name)) for name in COLUMNS}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(f"losses must be columns of one length, at least 1; got {sorted(lengths)}")
        if np.any(np.diff(self.updates) <= 0):
            raise ValueError(f"the updates of losses must rise; got {self.updates.tolist()}")

    @classmethod
    def _of(cls, rows: list[Mapping[str, Any]]) -> Losses:
        """Return the losses of rows as run.json has them."""
        values = {name: [row[name] for row in rows] for name in COLUMNS}
        values["loss"] = [np.nan if loss is None else loss for loss in values["loss"]]
        return cls(**values)

    def _column(self, name: str) -> NDArray[Any]:
        array: NDArray[Any] = getattr(self, name)
        return array

    def at(self, fraction: float, along: str = "seconds") -> float | None:
        """Return where the loss first fell to a fraction ε of that of the first snapshot: the time to ε-convergence.

        The crossing lies on the straight line between the first snapshot with at most that loss and the one before it;
        where the one before has no finite loss, it is at the snapshot itself.

        Args:
            fraction: ε in (0, 1).
            along: "seconds", "updates" or "epoch".

        Returns:
            None when no snapshot has so low a loss.
        """
        accepted = "a number in (0, 1)"
        target = _checks.number("fraction", fraction, accepted, lambda x: 0.0 < x < 1.0) * self.loss[0]
        x = self._column(_checks.choice("along", along, [name for name in COLUMNS if name != "loss"]))
        reached = np.flatnonzero(self.loss <= target)
        if not reached.size:
            return None
        last = int(reached[0])
        if last == 0:  # a loss of 0
            return float(x[0])
        before, after = self.loss[last - 1], self.loss[last]
        share = (before - target) / (before - after) if np.isfinite(before) else 1.0
        return float(x[last - 1] + share * (x[last] - x[last - 1]))

    def __len__(self) -> int:
        return len(self.updates)

    def __iter__(self) -> Iterator[dict[str, int | float | None]]:
        for updates, epoch, seconds, loss in zip(self.updates, self.epoch, self.seconds, self.loss, strict=True):
            finite = float(loss) if np.isfinite(loss) else None
            yield {"updates": int(updates), "epoch": float(epoch), "seconds": float(seconds), "loss": finite}

    def __repr__(self) -> str:
        return f"Losses({len(self)} snapshots, from {self.loss[0]:.4g} to {self.loss[-1]:.4g})"
