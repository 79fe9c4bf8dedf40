"""PyTorch's Hogwild: a process per core, each with one thread, on parameters in shared memory."""

from __future__ import annotations

import os
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch import multiprocessing as mp

from side_by_side import pytorch_forms
from side_by_side.contender import Contender, Task


def serve(pipe: Connection, task: Task, cpu: int, weights: list[Tensor]) -> None:
    """Be one of the processes, which ends with the one that asks."""
    os.sched_setaffinity(0, {cpu})
    contender = pytorch_forms.make(task, weights)
    with suppress(EOFError):  # how recv tells that the one that asks has ended
        while True:
            word, *arguments = pipe.recv()
            pipe.send(getattr(contender, word)(*arguments))


class Hogwild(Contender):
    """Processes that run a form of one thread each, all on the same parameters."""

    def __init__(self, task: Task) -> None:
        self._shared = pytorch_forms.make(task)
        super().__init__(task, self._shared.versions)
        for weight in self._shared.weights:
            weight.share_memory_()
        self._pipes = [self._started(task, cpu) for cpu in task.cpus]

    def _started(self, task: Task, cpu: int) -> Connection:
        context = mp.get_context("spawn")
        ours, theirs = context.Pipe()
        context.Process(target=serve, args=(theirs, task, cpu, self._shared.weights), daemon=True).start()
        theirs.close()
        return ours

    def _ask(self, *questions: tuple[Any, ...]) -> list[Any]:
        """Put a question to each process, to the first ones if there are fewer; then wait for the answers."""
        asked = self._pipes[: len(questions)]
        for pipe, question in zip(asked, questions, strict=True):
            pipe.send(question)
        return [pipe.recv() for pipe in asked]

    def restart(self, parameters: NDArray[np.float32], rate: float, seed: int) -> None:
        """See Contender; each process has an order of its own."""
        self._shared.restart(parameters, rate, seed)
        count = len(self._pipes)
        self._ask(*(("begin", rate, seed * count + i) for i in range(count)))

    def parameters(self) -> NDArray[np.float32]:
        """See Contender."""
        return self._shared.parameters()

    def update(self, indices: NDArray[np.int64]) -> None:
        """See Contender; the first process does it."""
        self._ask(("update", indices))

    def for_seconds(self, seconds: float) -> tuple[int, float]:
        """See Contender."""
        return self._together("for_seconds", seconds)

    def for_updates(self, wanted: int) -> tuple[int, float]:
        """See Contender; each process makes its share."""
        return self._together("for_updates", -(-wanted // len(self._pipes)))

    def _together(self, word: str, amount: float) -> tuple[int, float]:
        updates, seconds = zip(*self._ask(*[(word, amount)] * len(self._pipes)), strict=True)
        return sum(updates), max(seconds)


def make(task: Task) -> Hogwild:
    """Return processes that run the variant."""
    return Hogwild(task)
