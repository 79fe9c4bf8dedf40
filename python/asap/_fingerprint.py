"""What tells whether two data sets are the same, without keeping either."""

import hashlib

import numpy as np

from asap import _core
from asap.arrays import blocks

_MAX_BYTES = 1 << 28  # of the inputs: 0.2 s


def fingerprint(data: _core.Dataset) -> str:
    """Return the sha256 of kind, shape and contents, the same wherever the values lie in memory.

    Of inputs beyond 256 MiB it covers every second, third … sample, as many as fit; labels and targets always whole.
    """
    digest = hashlib.sha256()
    every = -(-data.inputs.nbytes // _MAX_BYTES)
    for array in (data.inputs, data.labels, data.targets):
        if array is None:
            continue
        digest.update(f"{array.dtype.str} {array.shape};".encode())
        for _, block in blocks(array[::every] if array is data.inputs else array):
            digest.update(np.ascontiguousarray(block).data)
    return digest.hexdigest()
