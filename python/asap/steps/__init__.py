"""Staleness-adaptive steps: an update of staleness τ advances the parameters by η · C(τ) times its gradient.

A step is a base rate η with a scale C. Before a run, and for some steps again while it runs, C becomes a table
C[0], C[1], …, C[K]; its last entry serves every τ ≥ K, and C(τ) = 0 rejects the update.

    θ ← θ − η · C(τ) · g

Every step takes as `rate` a number η > 0 or a schedule (`asap.StepRate`, `asap.CosineRate`). Windows
`sample=(first, last)` count in updates per worker: with m workers the distribution is taken from updates
first·m … last·m − 1, and the table built from it is swapped in while the workers run. `sample=asap.Online()` does so
again and again, of all updates, those of long ago counting less.
"""

from __future__ import annotations

import numpy as np

from asap import _checks
from asap.rates import Rate
from asap.steps.base import ScaleTable, StepBase, TableFigures
from asap.steps.closed_forms import (
    Constant,
    DelayAdaptive,
    Exponential,
    Hinge,
    Inverse,
    InversePlusOne,
    Power,
    Ringmaster,
    Threshold,
)
from asap.steps.composed import Clipped, Normalised
from asap.steps.custom import Custom
from asap.steps.instance_based import FLeet, MindTheStep, TailTau
from asap.steps.sample import Online

__all__ = [
    "Clipped",
    "Constant",
    "Custom",
    "DelayAdaptive",
    "Exponential",
    "FLeet",
    "Hinge",
    "Inverse",
    "InversePlusOne",
    "MindTheStep",
    "Normalised",
    "Online",
    "Power",
    "Ringmaster",
    "ScaleTable",
    "Step",
    "TableFigures",
    "TailTau",
    "Threshold",
]

Step = (
    Constant
    | Inverse
    | InversePlusOne
    | Power
    | Hinge
    | Exponential
    | DelayAdaptive
    | Threshold
    | Ringmaster
    | FLeet
    | TailTau
    | MindTheStep
    | Custom
    | Normalised
    | Clipped
)
"""Any step."""


def as_step(value: object) -> Step:
    """Return a step as it is, and a number η as Constant(η)."""
    if isinstance(value, Step):
        return value
    if isinstance(value, type) and issubclass(value, StepBase):
        raise TypeError(
            f"step must be an instance; got the class {value.__name__}: add (rate), as in {value.__name__}(0.01)"
        )
    if isinstance(value, Rate):
        return Constant(value)
    if callable(value) or (isinstance(value, (np.ndarray, list, tuple)) and np.ndim(value) > 0):
        raise TypeError(f"step must carry its base rate; got {_checks.shown(value)}: write asap.Custom(rate, scale)")
    return Constant(
        _checks.number("step", value, "a step such as asap.TailTau(0.01), or a rate above 0", lambda x: x > 0)
    )
