"""Corrections: what becomes of a gradient itself, where its staleness τ is not all that counts.

    θ ← θ − η · C(τ) · correction(g, θ, v)

g is the gradient (with weight decay, if any), computed on v, the parameters that its worker had read, and θ are those
that it is applied to, τ updates later. A correction goes with any step: ``asap.train(…, step=asap.Inverse(0.01),
correction=asap.DelayCompensated(0.04))``. Without staleness θ = v, and none but `NormClipped` changes a bit.
"""

from __future__ import annotations

from dataclasses import dataclass

from asap import _checks, _core

__all__ = ["Correction", "DelayCompensated", "GapAware", "NormClipped"]


@dataclass(frozen=True)
class DelayCompensated:
    """g + λ · g ⊙ g ⊙ (θ − v): DC-ASGD with a constant λ (Zheng et al., ICML 2017).

    The gradient at θ to first order, with λ · g ⊙ g in the place of the Hessian's diagonal. A component whose g is 0.1
    and whose θ has moved by 0.5 since becomes 0.1 + 0.005λ. λ = 0 is plain SGD.

    Leashed-SGD then keeps what it has read until it has published: a vector more per worker. Hogwild copies what it
    reads; in place (`read="in-place"`) and fused it cannot serve this, nor can Softsync, whose updates are made of
    gradients on several versions.

    Args:
        strength: λ ≥ 0.
    """

    strength: float = 0.04

    def __post_init__(self) -> None:
        object.__setattr__(self, "strength", _checks.not_negative("strength", self.strength))

    def _to_core(self) -> _core.DelayCompensated:
        return _core.DelayCompensated(self.strength)


@dataclass(frozen=True)
class GapAware:
    """g_j / (1 + |θ_j − v_j| / c_j) for each component j (Gap-Aware; Barkai, Hakimi and Schuster, ICLR 2020).

    The gap is how far a parameter has moved since it was read, in units of c_j, by which one update moves it on
    average: a component that has gone three updates' way is divided by 4, one that has come back by 1. The paper
    leaves the average open; here, before update t,

        c = a / (1 − ρ^t),        a ← ρ · a + (1 − ρ) · |θ' − θ| with every update θ → θ',        a = 0 at first.

    a is part of the shared state, as the velocity is: one vector more in each, in checkpoints as well. Keeps what was
    read, with the same limits as `asap.DelayCompensated`.

    Args:
        memory: ρ in [0, 1); the average is over about 1/(1 − ρ) updates.
    """

    memory: float = 0.99

    def __post_init__(self) -> None:
        memory = _checks.number("memory", self.memory, "a number in [0, 1)", lambda x: 0.0 <= x < 1.0)
        object.__setattr__(self, "memory", memory)

    def _to_core(self) -> _core.GapAware:
        return _core.GapAware(self.memory)


@dataclass(frozen=True)
class NormClipped:
    """g · min(1, bound / ‖g‖): no gradient is longer than bound (Pascanu, Mikolov and Bengio, ICML 2013).

    Looks at g alone, so that every engine that holds a gradient can serve it: all but the fused Hogwild. A gradient
    that is not finite stays as it is. In a synchronous round each worker's gradient is clipped, not their mean.

    Args:
        bound: the largest Euclidean norm, above 0.
    """

    bound: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "bound", _checks.positive("bound", self.bound))

    def _to_core(self) -> _core.NormClipped:
        return _core.NormClipped(self.bound)


Correction = DelayCompensated | GapAware | NormClipped
"""Any correction."""


def checked(value: object) -> Correction | None:
    """Return the correction argument of a run."""
    if value is None:
        return None
    return _checks.instance(
        "correction", value, Correction.__args__, "None or asap.DelayCompensated(0.04) and the like"
    )


def to_core(value: Correction | None) -> _core.Correction:
    """Return a correction as the core takes it."""
    return _core.NoCorrection() if value is None else value._to_core()
