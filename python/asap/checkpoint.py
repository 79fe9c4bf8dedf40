"""Checkpoints: how often a run is written to a file from which `asap.resume` goes on."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

from asap import _checks
from asap._extras import require

__all__ = ["Checkpoint"]

UNITS = ("epochs", "updates", "seconds")


@dataclass(frozen=True)
class Checkpoint:
    """Write a run to a file now and then, and at its end, so that `asap.resume` can go on with it.

    A checkpoint is due at each multiple of `every`, and made as soon as every worker has finished the update it is at;
    the workers go on while the file is written. It appears complete or not at all, also when the process is killed or
    the power fails, and the one before stays beside it, as `path` with ".previous" behind it.

    Args:
        path: the file; its folder is made where missing.
        every: how far checkpoints are apart, above 0, in `unit`; at least 1 in updates.
        unit: "epochs", "updates" or "seconds".
    """

    path: str | PathLike[str]
    every: float = 1
    unit: str = "epochs"

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", _checks.path("path", self.path))
        _checks.choice("unit", self.unit, UNITS)
        accepted = "a number of at least 1" if self.unit == "updates" else "a finite number above 0"
        _checks.number("every", self.every, accepted, lambda x: x >= 1.0 if self.unit == "updates" else x > 0.0)


def checked(value: object) -> Checkpoint | None:
    """Return the checkpoint argument of a run; ImportError when there is one and safetensors is not installed."""
    if value is None:
        return None
    if isinstance(value, (str, PathLike)):
        raise TypeError(f"checkpoint must say how often, too: write asap.Checkpoint({value!r}, every=1)")
    checkpoint = _checks.instance("checkpoint", value, Checkpoint, 'None or asap.Checkpoint("run.checkpoint")')
    require("safetensors.numpy", "io", "A checkpoint")
    return checkpoint
