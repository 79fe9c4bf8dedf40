"""The problem that all contenders solve, as files in a folder: data, starting parameters, the gradient to agree with.

asap writes it once; the contenders read it, so that none of them loads asap but asap.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Arrays = list[NDArray[np.float32]]


class Problem:
    """What a contender reads: data for its model, and the layout of the parameter vector.

    Args:
        folder: where `write` put it.
        model: "mlp" or "lenet".
    """

    def __init__(self, folder: str | Path, model: str) -> None:
        self._folder = Path(folder)
        self._model = model
        self.inputs = np.load(self._folder / "inputs.npy", mmap_mode="r")
        self.labels = np.load(self._folder / "labels.npy")
        self._shapes = json.loads((self._folder / f"{model}.json").read_text())

    def pixels(self) -> NDArray[np.float32]:
        """Return the samples as float32 in [0, 1], shape (n, 784) for the MLP, (n, 28, 28) for LeNet."""
        pixels = self.inputs.astype(np.float32) / np.float32(255)
        return pixels.reshape(len(pixels), -1) if self._model == "mlp" else pixels

    def parameters(self) -> NDArray[np.float32]:
        """Return the parameters at which gradients are compared."""
        return np.load(self._folder / f"{self._model}-parameters.npy")

    def gradient(self, batch: int) -> NDArray[np.float32]:
        """Return asap's gradient of the first samples at these parameters."""
        return np.load(self._folder / f"{self._model}-gradient-{batch}.npy")

    def split(self, vector: NDArray[np.float32]) -> Arrays:
        """Cut a vector of all parameters into weights (in, out) or (filters, channels, rows, columns), and biases."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self._shapes])
        return [part.reshape(shape) for part, shape in zip(np.split(vector, ends[:-1]), self._shapes, strict=True)]

    @staticmethod
    def join(arrays: Arrays) -> NDArray[np.float32]:
        """Put together what `split` cut."""
        return np.concatenate([np.asarray(array, np.float32).reshape(-1) for array in arrays])


class Batches:
    """Indices of samples, batch after batch: a new order in each epoch, whose incomplete last batch is left out."""

    def __init__(self, samples: int, batch: int) -> None:
        self._samples = samples
        self._batch = batch
        self.restart(0)

    def restart(self, seed: int) -> None:
        """Begin anew with the orders of a seed."""
        self._random = np.random.default_rng(seed)
        self._order = np.empty(0, np.int64)

    def take(self, count: int = 1) -> NDArray[np.int64]:
        """Return the next batches, shape (count, batch); they lie in one epoch."""
        wanted = count * self._batch
        if len(self._order) < wanted:
            self._order = self._random.permutation(self._samples)
        taken, self._order = self._order[:wanted], self._order[wanted:]
        return taken.reshape(count, self._batch)
