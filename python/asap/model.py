"""A model: a network and its parameters, one flat float32 vector."""

from __future__ import annotations

from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from asap import _checks, _core, _model_file
from asap.architecture import Architecture
from asap.arrays import as_arrays, as_inputs
from asap.datasets import Split

__all__ = ["DataLike", "Evaluation", "Model", "load"]

DataLike = Split | tuple[NDArray[Any], NDArray[Any]]
"""What a model is trained and judged by: a split, or (inputs, labels or targets)."""


class Evaluation(NamedTuple):
    """How well a model does on some data.

    Attributes:
        loss: mean loss per sample.
        accuracy: share of samples whose most probable class is their label; None for targets, which have no classes.
        samples: number of samples.
    """

    loss: float
    accuracy: float | None
    samples: int


class Model:
    """A network and its parameters.

    Args:
        architecture: input shape, layers and loss.
        parameters: all weights and biases, shape (num_parameters,).

    `asap.Sequential` and `asap.models` make models with fresh parameters, `asap.load` reads saved ones.
    """

    def __init__(self, architecture: Architecture, parameters: ArrayLike) -> None:
        _checks.instance("architecture", architecture, Architecture, "that of a model, model.architecture")
        self._set_up(architecture, architecture.to_core())
        self.parameters = parameters

    def _set_up(self, architecture: Architecture, network: _core.Network) -> None:
        self._architecture = architecture
        self._network = network
        self._parameters = np.zeros(network.num_parameters, np.float32)

    @property
    def architecture(self) -> Architecture:
        """Input shape, layers and loss."""
        return self._architecture

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample: (features,), (height, width) or (height, width, channels)."""
        return self._architecture.input_shape

    @property
    def loss(self) -> str:
        """The loss that training minimises: "softmax-cross-entropy" or "mean-squared-error"."""
        return self._architecture.loss

    @property
    def num_parameters(self) -> int:
        """Number of weights and biases, d."""
        return self._network.num_parameters

    @property
    def num_outputs(self) -> int:
        """Number of outputs: classes, or components of a target."""
        return self._network.num_outputs

    @property
    def parameters(self) -> NDArray[np.float32]:
        """All weights and biases, shape (num_parameters,): the model's own vector, writable in place.

        Assigning an array of that shape copies its values in.
        """
        return self._parameters

    @parameters.setter
    def parameters(self, values: ArrayLike) -> None:
        array = np.asarray(values)
        if array.shape != self._parameters.shape or array.dtype.kind not in "fiu":
            accepted = f"parameters must be numbers of shape {self._parameters.shape}"
            raise ValueError(f"{accepted}; got {array.dtype} of shape {array.shape}")
        self._parameters[:] = array

    @property
    def layout(self) -> dict[str, tuple[tuple[int, ...], int]]:
        """Where each weight and bias lies in `parameters`: name → (shape, offset)."""
        return {name: (tuple(shape), offset) for name, shape, offset in self._network.parameters}

    def weights(self, name: str) -> NDArray[np.float32]:
        """Return one weight or bias by its name in `layout`, as a view into `parameters`."""
        if name not in self.layout:
            raise KeyError(f"name must be one of {', '.join(map(repr, self.layout))}; got {name!r}")
        shape, offset = self.layout[name]
        return self._parameters[offset : offset + int(np.prod(shape))].reshape(shape)

    def predict(self, inputs: NDArray[Any], batch_size: int = 256) -> NDArray[np.float32]:
        """Return the outputs for samples: class probabilities under softmax cross-entropy, else the plain outputs.

        Args:
            inputs: samples, shape (n, *input_shape); uint8 values stand for value / 255.
            batch_size: samples computed at a time; does not change the result beyond rounding.

        Returns:
            Shape (n, num_outputs).
        """
        batch_size = _checks.integer("batch_size", batch_size, 1)
        samples = _core.Dataset(as_inputs(inputs, shape=self.input_shape))
        return self._network.predict(self._parameters, samples, min(batch_size, len(samples)))

    def evaluate(self, data: DataLike, batch_size: int = 256) -> Evaluation:
        """Return mean loss and accuracy over all samples of a split or of (inputs, labels or targets)."""
        batch_size = _checks.integer("batch_size", batch_size, 1)
        dataset = self._dataset(data)
        batch_size = min(batch_size, len(dataset))
        loss_sum, correct, samples = self._network.evaluate(self._parameters, dataset, batch_size)
        accuracy = correct / samples if self._architecture.has_classes else None
        return Evaluation(loss_sum / samples, accuracy, samples)

    def gradient(self, data: DataLike, indices: ArrayLike) -> tuple[float, NDArray[np.float32]]:
        """Return the mean loss of a batch and its gradient with respect to `parameters`.

        Args:
            data: a split, or (inputs, labels or targets).
            indices: which samples make up the batch, integers in [0, n).
        """
        chosen = np.atleast_1d(np.asarray(indices))
        accepted = "indices must be one or more integers ≥ 0"
        if chosen.ndim != 1 or chosen.size == 0 or chosen.dtype.kind not in "iu":
            raise ValueError(f"{accepted}; got {chosen.dtype} of shape {chosen.shape}")
        if chosen.min() < 0:
            raise ValueError(f"{accepted}; got {chosen.min()}")
        return self._network.gradient(self._parameters, self._dataset(data), chosen.astype(np.uint64))

    def _dataset(self, data: DataLike, name: str = "data", names: tuple[str, str] | None = None) -> _core.Dataset:
        """Check that the data fits and hand it to the core, without a copy of the inputs."""
        answers = {"classes" if self._architecture.has_classes else "target_size": self.num_outputs}
        arrays = as_arrays(data, name=name, shape=self.input_shape, names=names, **answers)
        targets = None if arrays.targets is None else arrays.targets.reshape(len(arrays), -1)
        return _core.Dataset(arrays.inputs, arrays.labels, targets)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the model to a safetensors file that `asap.load` reads; the file appears complete or not at all.

        Raises:
            TypeError, ValueError: `path` is no name.
            ImportError: safetensors is not installed (extra "io").
        """
        target = _checks.path("path", path)
        _model_file.write(target, self._architecture, {name: self.weights(name) for name in self.layout})

    def copy(self) -> Model:
        """Return an independent model with the same architecture and parameters."""
        made = type(self).__new__(type(self))
        made._set_up(self._architecture, self._network)  # networks are immutable
        made.parameters = self._parameters
        return made

    __copy__ = copy

    def __getstate__(self) -> dict[str, Any]:
        return {"architecture": self._architecture, "parameters": self._parameters}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set_up(state["architecture"], state["architecture"].to_core())
        self.parameters = state["parameters"]

    def __repr__(self) -> str:
        counts = self._parameters_per_layer()
        rows = [f"  {i:>2}  {layer!r:<32} {counts[i]:>10,}" for i, layer in enumerate(self._architecture.layers)]
        shape = " × ".join(map(str, self.input_shape))
        return "\n".join(
            [f"{type(self).__name__}: input {shape}, {self.num_parameters:,} parameters, {self.loss}", *rows]
        )

    def _parameters_per_layer(self) -> list[int]:
        counts = [0] * len(self._architecture.layers)
        for name, (shape, _) in self.layout.items():
            counts[int(name.partition(".")[0])] += int(np.prod(shape))
        return counts


def load(path: str | PathLike[str]) -> Model:
    """Read a model that `Model.save` wrote.

    Raises:
        FileNotFoundError: there is no such file.
        TypeError: `path` is no name.
        ValueError: the file is damaged, or was not written by asap.
        ImportError: safetensors is not installed (extra "io").
    """
    architecture, tensors = _model_file.read(_checks.path("path", path))
    model = Model(architecture, np.zeros(architecture.to_core().num_parameters, np.float32))
    for name in model.layout:
        model.weights(name)[...] = tensors[name]
    return model
