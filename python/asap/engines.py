"""The engines: who may read and write the shared parameters, and when.

`engine=asap.Leashed(persistence=2)` and its like are plain values. The one-worker engine is `asap.engines.Sequential`;
`asap.Sequential` is the network container.
"""

import math
from dataclasses import dataclass

from asap import _checks, _core

__all__ = ["Engine", "Hogwild", "Leashed", "Locked", "Sequential", "Softsync", "Synchronous"]

_READS = {"auto": _core.Read.automatic, "in-place": _core.Read.in_place, "copy": _core.Read.copy}


@dataclass(frozen=True)
class Sequential:
    """Plain SGD: one worker, in place. Staleness is 0."""

    def _to_core(self) -> _core.Sequential:
        return _core.Sequential()


@dataclass(frozen=True)
class Synchronous:
    """Synchronous SGD: m gradients at one version give one averaged update, behind a barrier.

    An update consumes m batches; staleness is 0. Progress: blocking.
    """

    def _to_core(self) -> _core.Synchronous:
        return _core.Synchronous()


@dataclass(frozen=True)
class Locked:
    """Lock-based AsyncSGD: parameters are copied under a mutex, and updated under it.

    Consistent views. Progress: blocking.
    """

    def _to_core(self) -> _core.Locked:
        return _core.Locked()


@dataclass(frozen=True)
class Hogwild:
    """Hogwild!: parameters are read and updated without synchronisation, component by component (Niu et al., 2011).

    Views may be inconsistent and components of an update may be lost, by design. Progress: lock-free.

    Args:
        read: "in-place" computes gradients on the shared parameters themselves, "copy" on an unsynchronised copy;
            "auto" is "copy" for several workers on at most 2¹⁹ parameters, where that is faster, else "in-place".
        update: "buffered" computes a whole gradient and then adds it. "fused" adds each weight's part to the shared
            parameters as the backward pass computes it, and holds no gradient: τ and C(τ) are settled before the
            backward pass, so what others publish during it is not counted; there is no momentum; weight decay
            multiplies the parameters by 1 − η·C(τ)·λ after the update. Less memory and memory traffic, which pays with
            small batches and many parameters. Here read="auto" is "in-place".
    """

    read: str = "auto"
    update: str = "buffered"

    def __post_init__(self) -> None:
        _checks.choice("read", self.read, _READS)
        _checks.choice("update", self.update, ("buffered", "fused"))

    def _to_core(self) -> _core.Hogwild | _core.FusedHogwild:
        kind = _core.FusedHogwild if self.update == "fused" else _core.Hogwild
        return kind(_READS[self.read])


@dataclass(frozen=True)
class Leashed:
    """Leashed-SGD: immutable parameter vectors, replaced by compare-and-swap (Bäckström et al., IPDPS 2021).

    Consistent views. Progress: lock-free.

    Args:
        persistence: T_p ≥ 0, how often a publication that lost the race is tried again, on the newer vector, before its
            gradient is dropped. 0: one attempt. None or math.inf: until it is published.
        read: "in-place" computes gradients on the published vector itself, as the paper has it, "copy" on a copy that
            is made while a worker publishes; "auto" is "copy" for several workers on at most 2¹⁹ parameters, where
            that is faster, else "in-place". Views are consistent either way.
    """

    persistence: int | None = None
    read: str = "auto"

    def __post_init__(self) -> None:
        _checks.choice("read", self.read, _READS)
        if self.persistence is None:
            return
        if isinstance(self.persistence, float) and self.persistence == math.inf:
            object.__setattr__(self, "persistence", None)
            return
        try:
            object.__setattr__(self, "persistence", _checks.integer("persistence", self.persistence, 0))
        except (TypeError, ValueError) as error:
            raise type(error)(f"{error}; None stands for ∞") from None

    def _to_core(self) -> _core.Leashed:
        return _core.Leashed(self.persistence, _READS[self.read])


@dataclass(frozen=True)
class Softsync:
    """n-softsync: one update for every c = ⌊m/n⌋ gradients of m workers (Zhang, Gupta, Lian and Liu, IJCAI 2016).

    θ ← θ − (η/c)·Σ C(τ_l)·g_l over the c gradients that came since the update before, each with a staleness τ_l of its
    own. Nobody waits for anybody: a fast worker may bring several of them. With equal workers τ is about (m − 1)/c on
    average. n = 1 is the nearest to the synchronous engine; with n = m every gradient is an update, which with a
    constant step is Downpour SGD (Dean et al., NeurIPS 2012). At the end of a run fewer than c gradients may be left
    over; they are not applied.

    Consistent views. Progress: blocking, for the time of one copy or one update.

    Args:
        n: how many updates m gradients make, 1 ≤ n ≤ workers. None: as many as workers.
    """

    n: int | None = None

    def __post_init__(self) -> None:
        if self.n is not None:
            object.__setattr__(self, "n", _checks.integer("n", self.n, 1))

    def _to_core(self) -> _core.Softsync:
        return _core.Softsync(self.n)


Engine = Sequential | Synchronous | Locked | Hogwild | Leashed | Softsync
"""Any engine."""
