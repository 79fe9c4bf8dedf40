"""asap's part of the problem: the data, starting parameters, the gradients to agree with, and the judge of losses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import asap
from asap import _names

SAMPLES = 60_000
JUDGED = slice(None, None, 6)  # the samples whose loss is computed between stretches of training

Data = tuple[NDArray[np.uint8], NDArray[np.int64]]


def mnist() -> tuple[Data, str]:
    """Return MNIST's training samples and what they are: random bytes of the same shape where MNIST is out of reach."""
    try:
        split = asap.datasets.load("mnist", download=False).train
    except asap.datasets.DataError:
        random = np.random.default_rng(0)
        pixels = random.integers(0, 256, (SAMPLES, 28, 28), np.uint8)
        return (pixels, random.integers(0, 10, SAMPLES)), "random bytes in MNIST's shape"
    return (split.inputs, split.labels.astype(np.int64)), "MNIST"


class Reference:
    """What all contenders are measured against; see `problem`, which reads what this writes.

    Args:
        folder: where to write.
        data: samples and labels.
    """

    def __init__(self, folder: Path, data: Data) -> None:
        self.folder = folder
        self._data = data
        self.samples = len(data[1])
        np.save(folder / "inputs.npy", data[0])
        np.save(folder / "labels.npy", data[1])

    def write(self, model: str, batches: set[int]) -> None:
        """Write parameters, their layout, and the gradient of the first samples for each batch size."""
        network = _names.MODELS[model](self._data)
        noise = np.random.default_rng(1).normal(0, 0.01, network.num_parameters)
        network.parameters += noise.astype(np.float32)  # no bias is 0, where a mistake in it would not show
        np.save(self.folder / f"{model}-parameters.npy", network.parameters)
        (self.folder / f"{model}.json").write_text(json.dumps([shape for shape, _ in network.layout.values()]))
        for batch in batches:
            _, gradient = network.gradient(self._data, np.arange(batch))
            np.save(self.folder / f"{model}-gradient-{batch}.npy", gradient)

    def start(self, model: str, seed: int) -> str:
        """Write fresh parameters; return the file."""
        file = self.folder / f"{model}-start.npy"
        np.save(file, _names.MODELS[model](self._data, seed=seed).parameters)
        return str(file)

    def loss(self, model: str, file: str) -> float:
        """Return the training loss of the parameters in a file, on every sixth sample."""
        network = _names.MODELS[model](self._data)
        network.parameters = np.load(file)
        return network.evaluate((self._data[0][JUDGED], self._data[1][JUDGED])).loss
