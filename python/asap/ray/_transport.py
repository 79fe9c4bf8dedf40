"""How vectors travel between a learner and the server: as they are, or rounded to half the bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
Packed = NDArray[Any]  # float32, float16, or the upper halves of float32 as uint16

TRANSPORTS = ("float32", "float16", "bfloat16")


class Transport:
    """Packs and unpacks vectors of one length in memory that it keeps; what it returns is valid until the next call."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._packed = np.empty(size, np.float16 if name == "float16" else np.uint16) if name != "float32" else None
        self._vector = np.empty(size, np.float32) if name != "float32" else None

    def pack(self, vector: Vector) -> Packed:
        """Return what travels for a vector, rounded to the nearest, ties to even."""
        if self._packed is None:
            return vector
        if self._name == "float16":
            with np.errstate(over="ignore"):  # beyond the largest half it is infinite, as in the hardware
                self._packed[:] = vector
        else:
            self._packed[:] = _bfloat16(vector)
        return self._packed

    def unpack(self, packed: Packed) -> Vector:
        """Return the vector that travelled."""
        if self._vector is None:
            return packed
        if self._name == "float16":
            self._vector[:] = packed
        else:
            np.left_shift(packed, 16, out=self._vector.view(np.uint32), dtype=np.uint32, casting="unsafe")
        return self._vector


class Wire:
    """What travels between a learner and the shards: parameters from each, its part of a gradient to each."""

    def __init__(self, name: str, cuts: Sequence[slice]) -> None:
        self._cuts = cuts
        self._to, self._from = ([Transport(name, cut.stop - cut.start) for cut in cuts] for _ in range(2))
        self._whole = np.empty(cuts[-1].stop, np.float32) if len(cuts) > 1 else None

    def parameters(self, parts: Sequence[Packed]) -> Vector:
        """Return the parameters of which these are the parts; those of one shard are used where they are."""
        vectors = [transport.unpack(part) for transport, part in zip(self._from, parts, strict=True)]
        if self._whole is None:
            return vectors[0]
        return np.concatenate(vectors, out=self._whole)

    def parts(self, gradient: Vector) -> list[Packed]:
        """Return what travels to each shard."""
        return [transport.pack(gradient[cut]) for transport, cut in zip(self._to, self._cuts, strict=True)]


def _bfloat16(vector: Vector) -> NDArray[np.uint16]:
    """The upper halves of the floats, rounded; what is no number stays none."""
    bits = vector.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    return np.where(np.isnan(vector), np.uint32(0x7FC0), rounded).astype(np.uint16)
