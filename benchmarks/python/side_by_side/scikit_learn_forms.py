"""scikit-learn: `MLPClassifier` with plain SGD in float32.

`partial_fit` makes one update per batch of the samples given; many batches a call spare it checks and set-up.
"""

from __future__ import annotations

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

from side_by_side.contender import Loop, Task

BATCHES = 20
CLASSES = np.arange(10)


class PartialFit(Loop):
    """`partial_fit` on slices of the data, in the data's order; within a slice it shuffles."""

    def __init__(self, task: Task) -> None:
        super().__init__(task, {"scikit-learn": sklearn.__version__})
        self._problem = task.problem()
        self._pixels, self._labels = self._problem.pixels(), self._problem.labels
        self._batch = task.batch
        units = [len(bias) for bias in self._problem.split(self._problem.parameters())[1:-1:2]]
        settings = {
            "solver": "sgd",
            "momentum": 0.0,
            "alpha": 0.0,
            "batch_size": task.batch,
            "learning_rate": "constant",
        }
        self._classifier = MLPClassifier(units, **settings)
        self._classifier.partial_fit(self._pixels[: task.batch], self._labels[: task.batch], classes=CLASSES)

    def restart(self, parameters: NDArray[np.float32], rate: float, seed: int) -> None:
        """See Contender."""
        arrays = self._problem.split(parameters)
        for mine, given in zip(
            self._classifier.coefs_ + self._classifier.intercepts_, arrays[::2] + arrays[1::2], strict=True
        ):
            mine[:] = given
        self._classifier._optimizer.learning_rate = rate
        self._classifier._random_state = np.random.RandomState(seed)
        self._next = 0

    def parameters(self) -> NDArray[np.float32]:
        """See Contender."""
        layers = zip(self._classifier.coefs_, self._classifier.intercepts_, strict=True)
        return self._problem.join([array for layer in layers for array in layer])

    def update(self, indices: NDArray[np.int64]) -> None:
        """See Contender."""
        self._classifier.partial_fit(self._pixels[indices], self._labels[indices])

    def work(self) -> int:
        """See Loop."""
        samples = BATCHES * self._batch
        chosen = slice(self._next, self._next + samples)
        self._classifier.partial_fit(self._pixels[chosen], self._labels[chosen])
        self._next = chosen.stop if chosen.stop + samples <= len(self._labels) else 0
        return BATCHES


def make(task: Task) -> PartialFit:
    """Return the one contender there is."""
    return PartialFit(task)
