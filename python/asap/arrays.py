"""Checks the arrays that users bring, on the way to the core: kind, dtype, shape, labels, NaN.

Inputs are never copied, so arrays mapped from a file and larger than memory work; they may have any strides. Labels
and targets become contiguous int32 and float32, which copies them when they are something else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap import _checks
from asap.datasets.images import Images
from asap.datasets.types import DataSet, Split

__all__ = ["Arrays", "as_arrays", "as_inputs", "blocks"]

_BLOCK_BYTES = 1 << 22
_INPUT_TYPES = ("uint8", "float32", "float64")


@dataclass(frozen=True, eq=False)
class Arrays:
    """Arrays that passed the checks, ready for the core; either labels or targets are there.

    Attributes:
        inputs: the samples as given, shape ``(n, features)``, ``(n, height, width)`` or
            ``(n, height, width, channels)``; uint8, float32 or float64.
        labels: class of each sample, contiguous int32, shape ``(n,)``; None for regression.
        targets: what to predict, contiguous float32, shape ``(n,)`` or ``(n, k)``; None for classification.
    """

    inputs: NDArray[Any]
    labels: NDArray[np.int32] | None
    targets: NDArray[np.float32] | None

    def __len__(self) -> int:
        return len(self.inputs)


def as_inputs(x: object, *, name: str = "inputs", shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Return `x` itself, as a plain array, when it can be a model's inputs.

    Args:
        x: uint8, float32 or float64, in the machine's byte order, any strides, shape ``(n, features)``,
            ``(n, height, width)`` or ``(n, height, width, channels)``, n ≥ 1, all values finite.
        name: what errors call it.
        shape: of one sample, when it is known: ``(features,)``, ``(height, width)`` or ``(height, width, channels)``.
            A single channel may have an axis of its own or none.

    Raises:
        TypeError: not a NumPy array, or of another dtype.
        ValueError: of another shape, empty, not aligned, or with a value that is NaN or infinite (names the first).
    """
    array = _as_array(x, name)
    _check_input_type(array, name)
    _check_input_shape(array, name, shape)
    if not array.flags.aligned:
        raise ValueError(f"{name} must lie at addresses that suit {array.dtype}; got unaligned memory: pass a copy")
    _check_finite(array, array, name)
    return array


def as_arrays(
    data: object,
    *,
    name: str = "data",
    shape: tuple[int, ...] | None = None,
    classes: int | None = None,
    target_size: int | None = None,
    names: tuple[str, str] | None = None,
) -> Arrays:
    """Return the arrays of `data` when a model can be trained or judged by them.

    Args:
        data: a Split, or a tuple (inputs, labels) or (inputs, targets). Labels are integers of shape ``(n,)``; targets
            are floating-point numbers of shape ``(n,)`` or ``(n, k)``.
        name: what errors call it.
        shape: of one input sample, as in :func:`as_inputs`.
        classes: number of classes of a classifier: labels are needed, each in 0…classes - 1.
        target_size: number of outputs of a regression: targets are needed, with k = target_size.
        names: what errors call the two arrays; None: parts of `name`.

    Raises:
        TypeError: `data` or one of its arrays is of the wrong kind or dtype.
        ValueError: a shape or length does not fit, a label is out of range, a value is NaN or infinite.
    """
    x, y, x_name, y_name = _pair(data, name)
    x_name, y_name = names or (x_name, y_name)
    inputs = as_inputs(x, name=x_name, shape=shape)
    answers = _as_array(y, y_name)
    _check_answer_type(answers, y_name, classes, target_size)
    if answers.dtype.kind == "f":
        return Arrays(inputs, None, _as_targets(answers, y_name, len(inputs), target_size))
    return Arrays(inputs, _as_labels(answers, y_name, len(inputs), classes), None)


def _pair(data: object, name: str) -> tuple[object, object, str, str]:
    if isinstance(data, Split):
        return data.inputs, data.labels, f"{name}.inputs", f"{name}.labels"
    if isinstance(data, tuple) and len(data) == 2:
        return *data, f"{name}[0]", f"{name}[1]"
    hints = {DataSet: f": pass {name}.train or {name}.test", Images: f": pass {name}.load()"}
    hint = hints.get(type(data), "")
    raise TypeError(f"{name} must be a Split or a tuple (inputs, labels); got {_checks.shown(data)}{hint}")


def _as_array(x: object, name: str) -> NDArray[Any]:
    if not isinstance(x, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array; got {_checks.shown(x)}: pass np.asarray({name})")
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be masked: choose values for what is hidden with {name}.filled(value)")
    return x.view(np.ndarray)


def _check_input_type(array: NDArray[Any], name: str) -> None:
    accepted = f"{name} must be {', '.join(_INPUT_TYPES[:-1])} or {_INPUT_TYPES[-1]}"
    if array.dtype.newbyteorder("=").name not in _INPUT_TYPES:
        raise TypeError(f"{accepted}; got {array.dtype}: convert it with {name}.astype(np.float32)")
    if not array.dtype.isnative:
        swapped = f"{name}.astype(np.{array.dtype.newbyteorder('=').name})"
        raise TypeError(f"{accepted} in this machine's byte order; got {array.dtype.str}: convert it with {swapped}")


def _check_input_shape(array: NDArray[Any], name: str, sample: tuple[int, ...] | None) -> None:
    accepted = _accepted_shapes(sample)
    fits = array.ndim in (2, 3, 4) if sample is None else array.ndim > 0 and array.shape[1:] in accepted
    if not fits:
        shapes = " or ".join(_shape_text(shape) for shape in accepted)
        raise ValueError(f"{name} must have shape {shapes}; got {array.shape}{_shape_hint(array.shape, name, sample)}")
    if array.size == 0:
        raise ValueError(f"{name} must have at least one sample with at least one value; got shape {array.shape}")


def _accepted_shapes(sample: tuple[int, ...] | None) -> list[tuple[object, ...]]:
    if sample is None:
        return [("features",), ("height", "width"), ("height", "width", "channels")]
    if len(sample) == 2:
        return [sample, (*sample, 1)]
    if len(sample) == 3 and sample[2] == 1:
        return [sample[:2], sample]
    return [sample]


def _shape_text(sample: tuple[object, ...]) -> str:
    return f"(n, {', '.join(map(str, sample))})"


def _shape_hint(got: tuple[int, ...], name: str, sample: tuple[int, ...] | None) -> str:
    if sample is None:
        return ""
    if got in _accepted_shapes(sample):
        return f": a single sample is passed as {name}[np.newaxis]"
    if len(sample) == 3 and got[1:] == (sample[2], *sample[:2]):
        return f": channels come last: {name}.transpose(0, 2, 3, 1), which copies nothing"
    if len(sample) == 1 or sample[2:] in ((), (1,)):
        as_needed = ", ".join(map(str, sample))
        return f": {name}.reshape(-1, {as_needed})" if math.prod(got[1:]) == math.prod(sample) and len(got) > 1 else ""
    return ""


def _check_finite(array: NDArray[Any], shown: NDArray[Any], name: str) -> None:
    if array.dtype.kind != "f":
        return
    once = tuple(slice(None) if stride else slice(1) for stride in array.strides)  # what is repeated in place
    for first, block in blocks(array[once]):
        finite = np.isfinite(block)
        if not finite.all():
            row, *rest = np.argwhere(~finite)[0].tolist()
            index = (first + row, *rest)
            raise ValueError(f"{name} must be finite; {name}[{', '.join(map(str, index))}] is {shown[index]}")


def blocks(array: NDArray[Any]) -> Iterator[tuple[int, NDArray[Any]]]:
    """Cut an array into parts of a few MiB along its first axis; each comes with the index it begins at."""
    rows = max(1, _BLOCK_BYTES * len(array) // array.nbytes)
    return ((first, array[first : first + rows]) for first in range(0, len(array), rows))


def _check_answer_type(answers: NDArray[Any], name: str, classes: int | None, target_size: int | None) -> None:
    kind = answers.dtype.kind
    if classes is not None and kind not in "iu":
        raise TypeError(f"{name} must be integers, the labels of {classes} classes; got {answers.dtype}")
    if target_size is not None and kind != "f":
        advice = f": convert it with {name}.astype(np.float32)" if kind in "iub" else ""
        raise TypeError(f"{name} must be floating-point numbers, targets to predict; got {answers.dtype}{advice}")
    if kind not in "iuf":
        raise TypeError(f"{name} must be integers (labels) or floating-point numbers (targets); got {answers.dtype}")


def _as_labels(labels: NDArray[Any], name: str, count: int, classes: int | None) -> NDArray[np.int32]:
    if labels.shape != (count,):
        raise ValueError(f"{name} must have shape ({count},), one label per sample; got {labels.shape}")
    limit = np.iinfo(np.int32).max + 1 if classes is None else classes
    wrong = np.flatnonzero((labels < 0) | (labels >= limit))
    if wrong.size:
        raise ValueError(f"{name} must be in 0…{limit - 1}; {name}[{wrong[0]}] is {labels[wrong[0]]}")
    return np.require(labels, np.int32, ["C", "A"])


def _as_targets(targets: NDArray[Any], name: str, count: int, size: int | None) -> NDArray[np.float32]:
    columns = "k" if size is None else size
    fits = targets.ndim in (1, 2) and len(targets) == count and (targets[:1].size == size or size is None)
    if not fits or targets.size == 0:
        scalar = f"({count},) or " if size in (None, 1) else ""
        raise ValueError(f"{name} must have shape {scalar}({count}, {columns}); got {targets.shape}")
    with np.errstate(over="ignore"):  # what does not fit float32 becomes infinite and is named below
        converted = np.require(targets, np.float32, ["C", "A"])
    _check_finite(converted, targets, name)
    return converted
