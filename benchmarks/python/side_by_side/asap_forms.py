"""asap: one worker per core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import asap
from asap import _names
from side_by_side.contender import Contender, Task


class Asap(Contender):
    """`asap.train`, called anew for each stretch of updates."""

    def __init__(self, task: Task) -> None:
        super().__init__(task, {"asap": asap.__version__})
        problem = task.problem()
        self._data = (problem.inputs, problem.labels)
        self._model = _names.MODELS[task.model](self._data)
        self._engine = _names.engine(task.variant)
        self._workers = len(task.cpus)
        self._batch = task.batch

    def restart(self, parameters: NDArray[np.float32], rate: float, seed: int) -> None:
        """See Contender."""
        self._model.parameters = parameters
        self._rate = rate
        self._seeds = np.random.default_rng(seed)

    def parameters(self) -> NDArray[np.float32]:
        """See Contender."""
        return self._model.parameters

    def update(self, indices: NDArray[np.int64]) -> None:
        """See Contender; the engines' update on given samples is the gradient's, which tests compare elsewhere."""
        _, gradient = self._model.gradient(self._data, indices)
        self._model.parameters -= self._rate * gradient

    def for_seconds(self, seconds: float) -> tuple[int, float]:
        """See Contender."""
        return self._timed(seconds=seconds)

    def for_updates(self, wanted: int) -> tuple[int, float]:
        """See Contender."""
        return self._timed(updates=wanted)

    def _timed(self, **limit: float) -> tuple[int, float]:
        """Train; the clock includes what a call of `asap.train` sets up."""
        start = self._clock()
        run = asap.train(
            self._model,
            self._data,
            engine=self._engine,
            step=self._rate,
            workers=self._workers,
            batch_size=self._batch,
            seed=int(self._seeds.integers(1 << 32)),
            progress=False,
            **limit,
        )
        return run.updates, self._clock() - start


def make(task: Task) -> Asap:
    """Return asap with the engine that the variant names."""
    return Asap(task)
