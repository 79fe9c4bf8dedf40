"""What a network is, without its parameters: input shape, layers and loss, as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from asap import _checks, _core, layers
from asap.layers import Layer

__all__ = ["Architecture"]

LOSSES = ("softmax-cross-entropy", "mean-squared-error")
_KINDS: dict[str, type[Layer]] = {kind.__name__: kind for kind in Layer.__args__}


@dataclass(frozen=True)
class Architecture:
    """Input shape, layers and loss of a network.

    Args:
        input_shape: of one sample: (features,), (height, width) or (height, width, channels).
        layers: from input to output.
        loss: "softmax-cross-entropy" or "mean-squared-error".
    """

    input_shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    loss: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", checked_shape(self.input_shape))
        object.__setattr__(self, "layers", checked_layers(self.layers))
        _checks.choice("loss", self.loss, LOSSES)

    @property
    def has_classes(self) -> bool:
        """Whether outputs stand for classes, so that data needs labels; otherwise it needs targets."""
        return self.loss == "softmax-cross-entropy"

    def to_core(self) -> _core.Network:
        """Build the network; ValueError that names the layer when shapes do not fit."""
        return _core.Network(self._core_shape(), [layer._to_core() for layer in self.layers], self.loss)

    def _core_shape(self) -> tuple[int, int, int]:
        """Return channels, height, width; a plain feature vector is (n, 1, 1)."""
        height, width, channels = (*self.input_shape, 1, 1)[:3]
        return (height, 1, 1) if len(self.input_shape) == 1 else (channels, height, width)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        parts = [{"kind": type(layer).__name__, **asdict(layer)} for layer in self.layers]
        return {"input_shape": list(self.input_shape), "layers": parts, "loss": self.loss}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Architecture:
        """Return what `to_dict` described; ValueError, TypeError or KeyError when the values are not of that form."""
        parts = [dict(part) for part in values["layers"]]
        made = [_KINDS[_checks.choice("layer kind", part.pop("kind"), _KINDS)](**part) for part in parts]
        return cls(tuple(values["input_shape"]), tuple(made), values["loss"])


def checked_shape(value: object) -> tuple[int, ...]:
    """Return an input shape as a tuple of 1 to 3 integers ≥ 1; a number n stands for (n,)."""
    parts = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(f"input_shape must be n, (height, width) or (height, width, channels); got {value!r}")
    return tuple(_checks.integer(f"input_shape[{i}]", part, 1) for i, part in enumerate(parts))


def checked_layers(value: object) -> tuple[Layer, ...]:
    """Return layers as a tuple; TypeError that names the position of what is no layer."""
    accepted = "a layer: " + ", ".join(layers.__all__[:2]) + ", …"
    if not isinstance(value, Sequence):
        raise TypeError(f"layers must be a sequence of layers; got {_checks.shown(value)}")
    return tuple(_checks.instance(f"layers[{i}]", layer, Layer.__args__, accepted) for i, layer in enumerate(value))
