"""Learners with a fault, for the tests of faults; sent to Ray by value, since its processes do not know this folder."""

from __future__ import annotations

import random
import sys
import time
from typing import Any

import numpy as np
from ray import cloudpickle

from asap.ray._learner import Learner

cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Failing(Learner):
    """Raises after one to twenty gradients, again and again."""

    _left = 0

    def work(self, server: Any, first_worker: int) -> str:
        self._left = random.randint(1, 20)
        return super().work(server, first_worker)

    def _compute(self, *task: Any) -> Any:
        self._left -= 1
        if self._left == 0:
            raise ZeroDivisionError("planted")
        return super()._compute(*task)


class Hopeless(Learner):
    """Raises for every gradient."""

    def _compute(self, *task: Any) -> Any:
        raise ZeroDivisionError("planted")


class Slow(Learner):
    """The first one takes ten times as long as the others."""

    def work(self, server: Any, first_worker: int) -> str:
        self._seconds = 0.1 if first_worker == 0 else 0.01
        return super().work(server, first_worker)

    def _compute(self, *task: Any) -> Any:
        time.sleep(self._seconds)
        return super()._compute(*task)


class Noting(Learner):
    """Keeps a file of which samples it holds, by the first value of each; `folder` is set where it is made."""

    folder = ""

    def __init__(self, assignment: Any, number: int) -> None:
        super().__init__(assignment, number)
        np.save(f"{self.folder}/learner-{number}", self._local._batches.data.inputs[:, 0])
