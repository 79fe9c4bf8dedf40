"""The layers of a network, as plain values; a model turns them into code."""

from dataclasses import dataclass

from asap import _checks, _core

__all__ = ["Conv2d", "Dense", "Flatten", "Layer", "MaxPool2d", "ReLU", "Tanh"]


def _check_counts(layer: object, *names: str) -> None:
    for name in names:
        object.__setattr__(layer, name, _checks.integer(name, getattr(layer, name), 1))


@dataclass(frozen=True)
class Dense:
    """Fully connected: y = x W + b, W of shape (inputs, units). An image in front of it is flattened.

    Args:
        units: number of outputs.
    """

    units: int

    def __post_init__(self) -> None:
        _check_counts(self, "units")

    def _to_core(self) -> _core.Dense:
        return _core.Dense(self.units)


@dataclass(frozen=True)
class Conv2d:
    """Convolution without padding, stride 1: (h, w, c) becomes (h − window + 1, w − window + 1, filters).

    Args:
        filters: number of output channels.
        window: height and width of the filters.
    """

    filters: int
    window: int

    def __post_init__(self) -> None:
        _check_counts(self, "filters", "window")

    def _to_core(self) -> _core.Conv2d:
        return _core.Conv2d(self.filters, self.window)


@dataclass(frozen=True)
class MaxPool2d:
    """The largest value of each window × window tile: (h, w, c) becomes (⌊h / window⌋, ⌊w / window⌋, c).

    Args:
        window: height and width of a tile, and the stride.
    """

    window: int

    def __post_init__(self) -> None:
        _check_counts(self, "window")

    def _to_core(self) -> _core.MaxPool2d:
        return _core.MaxPool2d(self.window)


@dataclass(frozen=True)
class ReLU:
    """y = max(x, 0)."""

    def _to_core(self) -> _core.Relu:
        return _core.Relu()


@dataclass(frozen=True)
class Tanh:
    """y = tanh(x)."""

    def _to_core(self) -> _core.Tanh:
        return _core.Tanh()


@dataclass(frozen=True)
class Flatten:
    """An image as a plain vector, in the order channel, row, column."""

    def _to_core(self) -> _core.Flatten:
        return _core.Flatten()


Layer = Dense | Conv2d | MaxPool2d | ReLU | Tanh | Flatten
"""Any layer."""
