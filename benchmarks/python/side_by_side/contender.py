"""What every contender can do."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from side_by_side.problem import Problem


class UnavailableError(RuntimeError):
    """This form cannot be had here; the message says why."""


@dataclass(frozen=True)
class Task:
    """What a contender is to do.

    Attributes:
        folder: where the problem lies.
        model: "mlp" or "lenet".
        batch: samples in a gradient.
        cpus: the processors it may use.
        variant: which form of its library.
    """

    folder: str
    model: str
    batch: int
    cpus: tuple[int, ...]
    variant: str

    def problem(self) -> Problem:
        """Return data and layout of the parameters."""
        return Problem(self.folder, self.model)

    @property
    def clock(self) -> Callable[[], float]:
        """On one processor the process's CPU time, which others on the machine do not change; else wall-clock time."""
        return time.process_time if len(self.cpus) == 1 else time.perf_counter


class Contender(ABC):
    """A library that trains a model.

    Args:
        task: what it is to do.
        versions: of its library, by name.
    """

    def __init__(self, task: Task, versions: dict[str, str]) -> None:
        self.versions = versions
        self._clock = task.clock

    @abstractmethod
    def restart(self, parameters: NDArray[np.float32], rate: float, seed: int) -> None:
        """Begin anew at parameters in asap's layout, with a learning rate and the sample orders of a seed."""

    @abstractmethod
    def parameters(self) -> NDArray[np.float32]:
        """Return the parameters in asap's layout."""

    @abstractmethod
    def update(self, indices: NDArray[np.int64]) -> None:
        """Make one update on these samples, by the code that is timed."""

    @abstractmethod
    def for_seconds(self, seconds: float) -> tuple[int, float]:
        """Work for about that long; return updates and seconds."""

    @abstractmethod
    def for_updates(self, wanted: int) -> tuple[int, float]:
        """Make that many updates, or a few more; return updates and seconds."""

    def gradient(self, parameters: NDArray[np.float32], batch: int) -> NDArray[np.float32]:
        """Return what one update at rate 1 on the first samples subtracts: the gradient of the code that is timed."""
        self.restart(parameters, 1.0, 0)
        self.update(np.arange(batch))
        return parameters - self.parameters()


class Loop(Contender):
    """A contender whose updates are asked for one after the other; the clock is around all that this takes."""

    @abstractmethod
    def work(self) -> int:
        """Make an update, or as many as are best asked for at once; return how many."""

    def for_seconds(self, seconds: float) -> tuple[int, float]:
        """See Contender."""
        updates, start = 0, self._clock()
        while (elapsed := self._clock() - start) < seconds:
            updates += self.work()
        return updates, elapsed

    def for_updates(self, wanted: int) -> tuple[int, float]:
        """See Contender."""
        updates, start = 0, self._clock()
        while updates < wanted:
            updates += self.work()
        return updates, self._clock() - start
