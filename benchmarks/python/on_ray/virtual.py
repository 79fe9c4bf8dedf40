"""Runs in virtual time of which only the times matter: who reads and publishes when."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

import asap


def simulated(engine: Any, m: int, compute: asap.laws.LawBase, publish: float, gradients: int) -> asap.Run:
    """Return a simulation of who reads and publishes when, which does not depend on what is learnt: hence little."""
    data = np.zeros((gradients, 1), np.float32), np.zeros(gradients, np.int32)
    model = asap.Sequential([asap.Dense(2)], input_shape=1)
    return asap.simulate(
        model,
        data,
        engine=engine,
        workers=m,
        compute=compute,
        publish=publish,
        step=1e-6,
        batch_size=1,
        epochs=1,
        progress=False,
    )


def rounds(laws: dict[str, asap.laws.LawBase], teams: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Return, of each law and number of learners, what asynchrony and rounds do in the same virtual time."""
    for (law, compute), m in product(laws.items(), teams):
        asynchronous, synchronous = (
            simulated(engine, m, compute, 0.0, 100 * m) for engine in (asap.Softsync(), asap.Synchronous())
        )
        rates = [run.gradients / run.seconds for run in (asynchronous, synchronous)]
        yield {"law": law, "learners": m, "asynchronous": rates[0], "rounds": rates[1], "ratio": rates[0] / rates[1]}
