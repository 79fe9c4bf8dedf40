"""The limit: vectors that go between two actors and back, read to the last byte, and nothing else.

Every vector says in its first place what it is: who gets it adds it up, and the answer carries the sum.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import ray
from numpy.typing import NDArray

from on_ray.local_cluster import ON_ALL_NODES, on_the_head

WARM_UP = 0.25  # of the time that is measured

Vector = NDArray[np.float32]


class Mirror:
    """Where vectors go, as to a parameter server.

    Args:
        size: of the vector that comes back.
    """

    def __init__(self, size: int) -> None:
        self._vector = np.zeros(size, np.float32)

    def nothing(self, _: Vector) -> None:
        """A call alone."""

    def take(self, vector: Vector) -> np.float32:
        """One way."""
        return vector.sum()

    def swap(self, vector: Vector) -> Vector:
        """And back."""
        self._vector[0] = vector.sum()
        return self._vector


class UnderWay(NamedTuple):
    """An exchange that has begun.

    Attributes:
        begun: when.
        expected: the sum of the vector.
        missing: replies of mirrors that have not come.
    """

    begun: float
    expected: int
    missing: set[Any]


class Sender:
    """Where vectors come from, as from a learner.

    Args:
        size: of a vector.
    """

    def __init__(self, size: int) -> None:
        self._vector = np.ones(size, np.float32)
        self._number = 0

    def send(self, mirrors: Sequence[Any], way: str, in_flight: int, seconds: float) -> tuple[list[float], float]:
        """Exchange with all mirrors at once, so many times at a time; return the seconds of each, and of all."""
        self._exchange(mirrors, way, in_flight, WARM_UP * seconds)
        return self._exchange(mirrors, way, in_flight, seconds)

    def _exchange(self, mirrors: Sequence[Any], way: str, in_flight: int, seconds: float) -> tuple[list[float], float]:
        times: list[float] = []
        waiting: dict[Any, UnderWay] = {}
        for _ in range(in_flight):
            first = self._begin(mirrors, way)
            waiting |= dict.fromkeys(first.missing, first)
        begin = now = time.perf_counter()
        while now - begin < seconds:
            (reply,), _ = ray.wait(list(waiting), num_returns=1)
            exchange = waiting.pop(reply)
            got = ray.get(reply)
            assert way == "nothing" or np.sum(got) == exchange.expected, (way, np.sum(got), exchange.expected)
            exchange.missing.remove(reply)
            now = time.perf_counter()
            if not exchange.missing:
                times.append(now - exchange.begun)
                following = self._begin(mirrors, way)
                waiting |= dict.fromkeys(following.missing, following)
        ray.get(list(waiting))
        return times, now - begin

    def _begin(self, mirrors: Sequence[Any], way: str) -> UnderWay:
        self._number = (self._number + 1) % 1_000
        self._vector[0] = self._number
        vector = self._vector[:0] if way == "nothing" else self._vector
        expected = self._number + len(self._vector) - 1  # a float32 knows it exactly, up to 2²⁴
        begun = time.perf_counter()
        return UnderWay(begun, expected, {getattr(mirror, way).remote(vector) for mirror in mirrors})


class Rate(NamedTuple):
    """How fast exchanges went.

    Attributes:
        per_second: of all senders together.
        seconds: of each.
    """

    per_second: float
    seconds: list[float]

    @property
    def median(self) -> float:
        """Seconds of an exchange."""
        return median(self.seconds)


class Exchange:
    """Actors that exchange vectors: mirrors on the node of this process, senders on the others or there, too.

    Args:
        floats: in a vector, parted over the mirrors.
        senders: how many.
        mirrors: how many.
        apart: whether senders are on other nodes.
    """

    def __init__(self, floats: int, senders: int = 1, mirrors: int = 1, apart: bool = True) -> None:
        part = -(-floats // mirrors)
        here = on_the_head()
        self._mirrors = [ray.remote(Mirror).options(**here).remote(part) for _ in range(mirrors)]
        options = ON_ALL_NODES if apart else here
        self._senders = [ray.remote(Sender).options(**options).remote(part) for _ in range(senders)]

    def measure(self, way: str, seconds: float, in_flight: int = 1) -> Rate:
        """Let all senders exchange for a while: "nothing", "take" (one way) or "swap"."""
        of_each = ray.get([sender.send.remote(self._mirrors, way, in_flight, seconds) for sender in self._senders])
        return Rate(sum(len(times) / elapsed for times, elapsed in of_each), [t for times, _ in of_each for t in times])

    def end(self) -> None:
        """End the actors."""
        for actor in (*self._mirrors, *self._senders):
            ray.kill(actor)
