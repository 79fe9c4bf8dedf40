"""Bäckström, Papatriantafilou and Tsigas, *ASAP.SGD*, ICML 2022: TAIL-τ beside other steps, by numbers of workers."""

from __future__ import annotations

from itertools import product
from typing import Any

from asap import models
from asap.engines import Engine, Hogwild, Leashed, Locked
from asap.laws import Exponential, Heterogeneous, LogNormal
from asap.losses import Snapshots
from asap.reproduction.study import Study
from asap.steps import Constant, FLeet, InversePlusOne, Step, TailTau

__all__ = ["studies"]

_CLAIM = (
    "TAIL-τ reaches each precision in less time and fewer updates than constant, inverse and FLeet steps, the more so "
    "the more workers there are, and some that a constant step misses."
)
_RATE_CLAIM = "At one η, TAIL-τ converges faster and fails less often than other steps, on any staleness."

_SETS = ("mnist", "fashion-mnist", "cifar-10")
_KINDS = {"mlp": models.MLP, "lenet": models.LeNet}
_ENGINES: dict[str, Engine] = {"locked": Locked(), "hogwild": Hogwild(), "leashed": Leashed()}

# The paper trains the MLP in batches of 512 at η = 0.005, for longer than two cores bear.
_BATCH = {"mlp": 64, "lenet": 16}
_RATE = {"mlp": 0.01, "lenet": 0.005}
_UPDATES = {"mlp": 4_000, "lenet": 8_000}

_SAMPLE = (10, 15)
"""Updates per worker, as published."""

_TIMES = LogNormal(1.0, 0.3)


def studies(quick: bool) -> list[Study]:
    """Return a study on threads and one in virtual time for each network and data set, and one over rates and laws."""
    if quick:
        laws = {"compute": _TIMES, "publish": 0.01, "equal_step_to": "tail"}
        plan = {"engines": _ENGINES, "steps": _steps(0.01, (2, 12)), "workers": (16,), "updates": 400}
        return [
            _study("lenet", "digits", "simulated", plan | laws | {"snapshots": Snapshots(20, 500), "seeds": (1, 2)})
        ]
    grids = [grid for each in product(_KINDS, _SETS) for grid in (_on_threads(*each), _simulated(*each))]
    return [*grids, _rates()]


def _on_threads(model: str, dataset: str) -> Study:
    return _study(
        model, dataset, "threads", _grid(model) | {"workers": (1, 2, 4, 8, 16), "updates": _UPDATES[model] // 2}
    )


def _simulated(model: str, dataset: str) -> Study:
    laws = {"compute": _TIMES, "publish": 0.01}
    return _study(
        model, dataset, "simulated", _grid(model) | laws | {"workers": (8, 32, 128), "updates": _UPDATES[model]}
    )


def _rates() -> Study:
    """Return the study that tells adaptiveness from step size: several η, each step also at TAIL-τ's effective one."""
    laws = {"log-normal": _TIMES, "exponential": Exponential(1.0), "uneven": Heterogeneous(_TIMES, sigma=1.0)}
    plan = {"rates": (0.0005, 0.001, 0.002, 0.005, 0.01), "equal_step_to": "tail", "compute": laws, "publish": 0.01}
    plan |= {"engines": {"leashed": Leashed()}, "workers": (32,), "updates": _UPDATES["lenet"]}
    return _study("lenet", "mnist", "rates", _grid("lenet") | plan, _RATE_CLAIM)


def _grid(model: str) -> dict[str, Any]:
    return {
        "engines": _ENGINES,
        "steps": _steps(_RATE[model], _SAMPLE),
        "seeds": (1, 2, 3, 4, 5),
        "snapshots": Snapshots(_UPDATES[model] // 40, 2_000),
    }


def _steps(rate: float, sample: tuple[int, int]) -> dict[str, Step]:
    """Return the paper's steps; TAIL-τ in the form that keeps the mean, and in that of the published code."""
    return {
        "constant": Constant(rate),
        "inverse-plus-one": InversePlusOne(rate),
        "fleet": FLeet(rate, sample=sample),
        "tail": TailTau(rate, sample=sample),
        "tail:exclusive": TailTau(rate, cdf="exclusive", sample=sample),
    }


def _study(model: str, dataset: str, what: str, settings: dict[str, Any], claim: str = _CLAIM) -> Study:
    """From He's start: the papers' lies on a plateau that LeNet does not leave in 10,000 updates at their η."""
    kind = _KINDS[model]
    title = f"ASAP.SGD (ICML 2022): {kind.__name__} on {dataset}, {what}"
    common = {"batch_size": _BATCH[model]}
    return Study(f"{model}-{dataset}-{what}", title, claim, dataset, kind, common | settings, "he")
