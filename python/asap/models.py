"""Networks: the container for layers of your own, and the networks of the papers, ready-made.

The ready-made ones end in softmax cross-entropy and have ReLU after each hidden layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from asap import _checks
from asap.architecture import Architecture, checked_layers, checked_shape
from asap.arrays import as_arrays
from asap.datasets import DataSet
from asap.datasets.types import Described
from asap.layers import Conv2d, Dense, Layer, MaxPool2d, ReLU
from asap.model import Evaluation, Model

__all__ = ["CNN", "MLP", "Evaluation", "LeNet", "Model", "Sequential"]

INITIALISERS = ("he", "glorot", "papers")


class Sequential(Model):
    """A network as a chain of layers, with fresh parameters.

    The container; the engine of plain one-worker SGD is `asap.engines.Sequential`.

    Args:
        layers: from input to output, such as [asap.Dense(128), asap.ReLU(), asap.Dense(10)]; the last one has an
            output per class, or per component of a target.
        input_shape: of one sample: n, (height, width) or (height, width, channels), as in the data arrays.
        loss: "softmax-cross-entropy" for labels, "mean-squared-error" for targets.
        initialiser: "he" draws weights from N(0, 2 / fan-in), "glorot" uniformly from ±√(6 / (fan-in + fan-out)), both
            with biases 0; "papers" draws weights and biases from N(0, 0.01²).
        seed: of the initialiser; the same seed gives the same parameters (between math libraries, up to a last bit in
            rare values).
    """

    def __init__(
        self,
        layers: Sequence[Layer] = (),
        *,
        input_shape: int | tuple[int, ...] | None = None,
        loss: str = "softmax-cross-entropy",
        initialiser: str = "he",
        seed: int = 0,
    ) -> None:
        if input_shape is None or (isinstance(layers, Sequence) and not layers):
            raise TypeError(
                "asap.Sequential is the network container: it needs layers and input_shape=, the shape of one sample; "
                "the one-worker engine is asap.engines.Sequential()"
            )
        kind = _checks.choice("initialiser", initialiser, INITIALISERS)
        seed = _checks.integer("seed", seed, 0, 2**64 - 1)
        architecture = Architecture(checked_shape(input_shape), checked_layers(layers), loss)
        network = architecture.to_core()
        self._set_up(architecture, network)
        self.parameters = network.initialise(kind, seed)


class MLP(Sequential):
    """A multi-layer perceptron: hidden dense layers with ReLU, softmax cross-entropy.

    On 28 × 28 images with 10 classes the default is the papers' 784 → 128 → 128 → 128 → 10, with 134,794 parameters.

    Args:
        data: a data set, a split, (inputs, labels) or `asap.datasets.Images`, which gives input shape and classes; or
            an input shape.
        input_shape: n, (height, width) or (height, width, channels), instead of data.
        classes: number of classes; by default that of the data.
        hidden: units of each hidden layer.
        initialiser: "he", "glorot" or "papers".
        seed: of the initialiser.
    """

    def __init__(
        self,
        data: Any = None,
        *,
        input_shape: int | tuple[int, ...] | None = None,
        classes: int | None = None,
        hidden: Sequence[int] = (128, 128, 128),
        initialiser: str = "he",
        seed: int = 0,
    ) -> None:
        shape, classes = _shape_and_classes("MLP", data, input_shape, classes)
        layers = [layer for units in hidden for layer in (Dense(units), ReLU())]
        super().__init__([*layers, Dense(classes)], input_shape=shape, initialiser=initialiser, seed=seed)


class _Convolutional(Sequential):
    """Convolution, ReLU and pooling by 2 in stages, then one hidden dense layer."""

    _stages: ClassVar[tuple[tuple[int, int], ...]]  # filters and window of each
    _hidden: ClassVar[int]

    def __init__(
        self,
        data: Any = None,
        *,
        input_shape: int | tuple[int, ...] | None = None,
        classes: int | None = None,
        initialiser: str = "he",
        seed: int = 0,
    ) -> None:
        shape, classes = _shape_and_classes(type(self).__name__, data, input_shape, classes)
        stages = [layer for stage in self._stages for layer in (Conv2d(*stage), ReLU(), MaxPool2d(2))]
        layers = [*stages, Dense(self._hidden), ReLU(), Dense(classes)]
        super().__init__(layers, input_shape=shape, initialiser=initialiser, seed=seed)


class CNN(_Convolutional):
    """The papers' small convolutional network: 3×3×4, pool 2, 3×3×8, pool 2, dense 128, dense classes.

    27,354 parameters on 28 × 28 × 1 images with 10 classes.

    Args:
        data: a data set, a split, (inputs, labels) or `asap.datasets.Images`, which gives input shape and classes; or
            an input shape.
        input_shape: (height, width) or (height, width, channels), instead of data.
        classes: number of classes; by default that of the data.
        initialiser: "he", "glorot" or "papers".
        seed: of the initialiser.
    """

    _stages = ((4, 3), (8, 3))
    _hidden = 128


class LeNet(_Convolutional):
    """The papers' LeNet: 5×5×6, pool 2, 5×5×16, pool 2, dense 120, dense classes (after LeCun et al., 1998).

    With 10 classes: 34,622 parameters on 28 × 28 × 1 images, 52,202 on 32 × 32 × 3.

    Args:
        data: a data set, a split, (inputs, labels) or `asap.datasets.Images`, which gives input shape and classes; or
            an input shape.
        input_shape: (height, width) or (height, width, channels), instead of data.
        classes: number of classes; by default that of the data.
        initialiser: "he", "glorot" or "papers".
        seed: of the initialiser.
    """

    _stages = ((6, 5), (16, 5))
    _hidden = 120


def _shape_and_classes(
    name: str, data: Any, input_shape: int | tuple[int, ...] | None, classes: int | None
) -> tuple[tuple[int, ...], int]:
    if _is_shape(data):
        data, input_shape = None, data
    if (data is None) == (input_shape is None) or (data is None and classes is None):
        given = {"data": data, "input_shape": input_shape, "classes": classes}
        named = ", ".join(argument for argument, value in given.items() if value is not None)
        raise TypeError(f"{name} needs either data, or input_shape= with classes=; got {named or 'nothing'}")
    if data is None:
        return checked_shape(input_shape), _checks.integer("classes", classes, 1)
    shape, found = _from_data(data)
    return shape, found if classes is None else _checks.integer("classes", classes, 1)


def _is_shape(value: object) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return bool(parts) and all(isinstance(part, (int, np.integer)) for part in parts)


def _from_data(data: Any) -> tuple[tuple[int, ...], int]:
    if isinstance(data, DataSet):
        return data.train.inputs.shape[1:], len(data.classes)
    if isinstance(data, Described):
        return data.input_shape, data.num_classes
    arrays = as_arrays(data)
    if arrays.labels is None:
        raise TypeError(
            "data must have integer labels; for targets build asap.Sequential(…, loss='mean-squared-error')"
        )
    return arrays.inputs.shape[1:], int(arrays.labels.max()) + 1
