"""The commands that docs/distributed.md and docs/reproduction.md give, and those beside which their runs are set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LEARNERS, OF_SOFTSYNC, STEPS, RATE = 30, (1, 15, 30), ("constant", "inverse"), 0.05
_CIFAR = "--dataset cifar-10 --model lenet"


@dataclass(frozen=True)
class Command:
    """A command of asap that trains.

    Attributes:
        text: without the seed.
        about: what it stands for in a table.
    """

    text: str
    about: dict[str, Any]

    def words(self, seed: int) -> list[str]:
        """Return the words."""
        return [*self.text.split(), "--seed", str(seed)]


def lenet(length: str) -> Iterator[Command]:
    """Return LeNet with four learners, and with as many threads."""
    same = f"{_CIFAR} --engine softsync --rate 0.02 --schedule cosine --batch-size 32 {length}"
    yield Command(f"ray {same} --learners 4", {"where": "ray"})
    yield Command(f"train {same} --workers 4", {"where": "threads"})


def softsync(length: str) -> Iterator[Command]:
    """Return the evaluation of Zhang et al. on Ray, and in virtual time."""
    for n in OF_SOFTSYNC:
        for step in STEPS:
            same = f"{_CIFAR} --engine softsync:{n} --step {step} --rate {RATE} --batch-size 4 {length}"
            case = {"n": n, "step": step}
            yield Command(
                f"ray {same} --learners {LEARNERS}", {"study": "softsync-cifar-10-ray", "simulated": "", **case}
            )
            yield Command(
                f"simulate {same} --workers {LEARNERS} --compute log-normal:1:0.3",
                {"study": "softsync-cifar-10-ray-simulated", "simulated": "log-normal", **case},
            )
