"""The framework's bounds on runs of the library: linear regression, whose L, μ, θ* and E‖g‖² anywhere are known."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import asap
from asap import framework
from asap.trace import RECORD

Floats = NDArray[np.float64]

SEEDS, UPDATES = 20, 200
STALENESS = np.array([4, 3, 2, 2, 1, 1, 1, 0, 1, 1])
WORKERS = len(STALENESS)  # they publish in turns, so that none reads what is older than its last update
BEFORE = WORKERS - 1  # updates that move nothing, before the first one that is as stale as p has it
SAMPLES = 16


class Regression:
    """f(θ) = E(⟨x, θ⟩ − y)², the last component of x being 1. Sample 0 has no gradient at θ = 0."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        inputs = random.standard_normal((SAMPLES, 3)).astype(np.float32)
        noise = random.standard_normal(SAMPLES)
        targets = (inputs @ [1.0, -0.5, 0.5] + 0.5 + 0.3 * noise).astype(np.float32)
        inputs[0] = targets[0] = 0
        self.data = inputs, targets[:, None]
        self.inputs = np.hstack([inputs, np.ones((SAMPLES, 1))]).astype(np.float64)
        self.targets = targets.astype(np.float64)
        curvatures = np.linalg.eigvalsh(2 * self.inputs.T @ self.inputs / SAMPLES)
        self.smoothness, self.curvature = float(curvatures[-1]), float(curvatures[0])
        self.best = np.linalg.lstsq(self.inputs, self.targets, rcond=None)[0]
        self.least = float(self.losses(self.best).mean())

    def losses(self, theta: Floats) -> Floats:
        """Of each sample, in the last axis."""
        return (theta @ self.inputs.T - self.targets) ** 2  # type: ignore[no-any-return]

    def gradients(self, theta: Floats) -> Floats:
        """Of each sample, in the last axis but one."""
        return 2 * (theta @ self.inputs.T - self.targets)[..., None] * self.inputs  # type: ignore[no-any-return]


class Schedules:
    """Traces whose τ and samples are independent draws: an update takes the batch of its epoch that has its sample."""

    def __init__(self, regression: Regression) -> None:
        model = asap.Sequential([asap.Dense(1)], input_shape=3, loss="mean-squared-error")
        model.parameters = np.zeros(4, np.float32)
        settings: dict[str, Any] = {"batch_size": 1, "epochs": BEFORE + UPDATES, "trace": True}
        # Steps that move nothing: each batch has the loss at θ = 0 of its sample, which tells the seed's order.
        still = asap.simulate(model.copy(), regression.data, workers=1, step=1e-30, row_every=1, **settings)
        apart = np.abs(still.history["loss"][:, None] - regression.losses(np.zeros(4)))
        self.places = np.argsort(apart.argmin(axis=1).reshape(-1, SAMPLES), axis=1)
        self.run = asap.simulate(model, regression.data, workers=WORKERS, step=1e-30, **settings)

    def draw(self, seed: int) -> tuple[asap.Run, NDArray[np.int64]]:
        """Return a run with such a trace, and the sample of each update."""
        random = np.random.default_rng(seed)
        samples, taus = np.zeros((2, BEFORE + UPDATES), int)
        samples[BEFORE:] = random.integers(0, SAMPLES, UPDATES)
        taus[BEFORE:] = random.choice(WORKERS, UPDATES, p=STALENESS / STALENESS.sum())
        updates = np.arange(len(taus))
        records = np.zeros(len(taus), RECORD)
        records["batch"] = updates * SAMPLES + self.places[updates, samples]
        records["read"], records["replaced"], records["worker"] = updates - taus, updates, updates % WORKERS
        records["scale"] = records["attempts"] = 1
        assert self.run.trace
        trace = replace(self.run.trace, records=records, start=np.zeros(4, np.float32))
        return replace(self.run, trace=trace), samples


class Runs:
    """What was measured in runs of the library at a scale and a rate; their versions come from a twin in NumPy."""

    def __init__(self, regression: Regression, schedules: Schedules, scale: Floats, rate: float) -> None:
        excess: list[Floats] = []
        weighted: list[Floats] = []
        squares: list[Floats] = []
        self.gradient = 0.0
        for seed in range(SEEDS):
            schedule, samples = schedules.draw(seed)
            step = asap.Custom(rate, scale)
            run = asap.what_if(schedule, step=step, trace=True, snapshots=asap.Snapshots(1, samples=None))
            assert run.trace
            assert run.losses
            reads, scales = run.trace.updates["read"].astype(int), run.trace.updates["scale"]
            versions = twin(regression, samples, reads, rate * scales)
            assert run.losses.updates.tolist() == list(range(len(versions)))
            assert run.losses.loss == pytest.approx(regression.losses(versions).mean(axis=-1), rel=1e-3)
            assert run.parameters == pytest.approx(versions[-1], abs=1e-3)
            errors = run.losses.loss - regression.least
            excess.append(errors[BEFORE:])
            weighted.append((scales * errors[reads])[BEFORE:])
            gradients = regression.gradients(versions)
            squares.append((gradients.mean(axis=1)[BEFORE:-1] ** 2).sum(axis=-1))
            self.gradient = max(self.gradient, float((gradients[reads] ** 2).sum(axis=-1).mean(axis=-1).max()))
        self.measured = {
            "convex": np.mean([each[:-1] for each in excess]),
            "convex_views": np.mean(weighted),
            "non_convex": np.mean(squares),
            "polyak_lojasiewicz": np.mean([each[-1] for each in excess]),
        }


def twin(regression: Regression, samples: NDArray[np.int64], reads: NDArray[np.int64], steps: Floats) -> Floats:
    """Return all versions of such a run."""
    versions = np.zeros((len(samples) + 1, 4))
    for update, (sample, read, step) in enumerate(zip(samples, reads, steps, strict=True)):
        versions[update + 1] = versions[update] - step * regression.gradients(versions[read])[sample]
    return versions


@pytest.fixture(scope="module")
def regression() -> Regression:
    return Regression()


@pytest.fixture(scope="module")
def schedules(regression: Regression) -> Schedules:
    return Schedules(regression)


def bounds_of(
    regression: Regression, scale: Floats, gradient: float, known: Mapping[str, float] = MappingProxyType({})
) -> framework.Bounds:
    """Return the bounds; of a constant that is named only a share is known."""
    constants = {
        "smoothness": regression.smoothness,
        "gradient": gradient,
        "distance": float(np.linalg.norm(regression.best)),
        "gap": float(regression.losses(np.zeros(4)).mean()) - regression.least,
        "curvature": regression.curvature,
    }
    return framework.bounds(
        scale, STALENESS, **{name: value * known.get(name, 1.0) for name, value in constants.items()}
    )


@pytest.mark.parametrize("rate", [0.003, 0.01, 0.03])
@pytest.mark.parametrize("step", [asap.Constant(1), asap.TailTau(1), asap.TailTau(1, amplitude=0.5)])
def test_runs_stay_under_each_bound(
    regression: Regression, schedules: Schedules, step: asap.steps.Step, rate: float
) -> None:
    scale = step.table(STALENESS)
    runs = Runs(regression, schedules, scale, rate)
    limits = bounds_of(regression, scale, runs.gradient)
    for name, error in runs.measured.items():
        assert error <= getattr(limits, name)(rate, UPDATES), name


FAULTS = {
    "convex": {"distance": 0.5},
    "convex_views": {"distance": 0.5},
    "non_convex": {"gap": 0.25},
    "polyak_lojasiewicz": {"gap": 0.05, "gradient": 0.05},
}
"""For each bound, constants smaller than there are by so much that runs break it."""


@pytest.fixture(scope="module")
def slow(regression: Regression, schedules: Schedules) -> tuple[Floats, Runs]:
    """The runs nearest to the bounds: at the smallest rate."""
    scale = asap.TailTau(1).table(STALENESS)
    return scale, Runs(regression, schedules, scale, 0.003)


@pytest.mark.parametrize("name", FAULTS)
def test_each_bound_of_smaller_constants_than_there_are_would_be_broken(
    regression: Regression, slow: tuple[Floats, Runs], name: str
) -> None:
    """The check above can fail, for each of the bounds.

    What it sees are faults of what decides at small rates: D² and f(θ₀) − f*, by factors of two to four, and the level
    at which the last bound ends, by twenty. What it cannot see are smaller ones, and any of the factor 1 + ηL·E[Cτ²]:
    bounds_test.cpp compares the formulas themselves.
    """
    scale, runs = slow
    error = runs.measured[name]
    limit, broken = (
        getattr(bounds_of(regression, scale, runs.gradient, known), name)(0.003, UPDATES)
        for known in ({}, FAULTS[name])
    )
    assert broken < error <= limit
