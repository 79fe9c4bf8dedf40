"""What tells whether two data sets are the same, without keeping either."""

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap import _core
from asap._unloaded import Unloaded
from asap.arrays import blocks

_MAX_BYTES = 1 << 28  # of the inputs: 0.2 s


def fingerprint(data: _core.Dataset | Unloaded) -> str:
    """Return the sha256 of kind, shape and contents, the same wherever the values lie in memory.

    Of inputs beyond 256 MiB it covers every second, third … sample, as many as fit; labels and targets always whole.
    Data that are not in memory have their own.
    """
    if isinstance(data, Unloaded):
        return data.fingerprint()
    inputs = data.inputs
    covered = (block for _, block in blocks(inputs[:: every(inputs.nbytes)]))
    return of_parts(inputs.dtype, inputs.shape, covered, data.labels, data.targets)


def every(nbytes: int) -> int:
    """Return which of the samples count in a fingerprint, given the size of all inputs."""
    return -(-nbytes // _MAX_BYTES)


def of_parts(
    dtype: np.dtype[Any], shape: tuple[int, ...], covered: Iterable[NDArray[Any]], *answers: NDArray[Any] | None
) -> str:
    """Return the fingerprint of inputs of which those that count come in parts, and of labels or targets."""
    digest = hashlib.sha256(f"{dtype.str} {shape};".encode())
    for block in covered:
        digest.update(np.ascontiguousarray(block).data)
    for array in answers:
        if array is not None:
            digest.update(f"{array.dtype.str} {array.shape};".encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
