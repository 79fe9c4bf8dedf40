"""Bäckström, Papatriantafilou and Tsigas, *ASAP.SGD*, ICML 2022: TAIL-τ beside other steps, by numbers of workers."""

from __future__ import annotations

from itertools import product
from typing import Any

from asap import models
from asap.engines import Hogwild, Leashed, Locked
from asap.laws import LogNormal
from asap.losses import Snapshots
from asap.reproduction.study import Study
from asap.steps import Constant, FLeet, InversePlusOne, Step, TailTau

__all__ = ["studies"]

RATE, SAMPLE = 0.005, (10, 110)
_CLAIM = (
    "TAIL-τ reaches each precision in less time and fewer updates than constant, inverse and FLeet steps, the more so "
    "the more workers there are, and some that a constant step misses."
)
_BATCH = {"mlp": 512, "lenet": 16}


def studies(quick: bool) -> list[Study]:
    """Return a study on threads and one in virtual time for each network and data set."""
    if quick:
        return [_study("lenet", "digits", True, True)]
    sets = ("mnist", "fashion-mnist", "cifar-10")
    return [_study(*each, False) for each in product(("mlp", "lenet"), sets, (False, True))]


def _study(model: str, dataset: str, simulated: bool, quick: bool) -> Study:
    kind = {"mlp": models.MLP, "lenet": models.LeNet}[model]
    where = "simulated" if simulated else "threads"
    settings = _simulated(quick) if simulated else {"workers": (2, 4, 8, 16), "updates": 20_000}
    common: dict[str, Any] = {
        "engines": {"locked": Locked(), "hogwild": Hogwild(), "leashed": Leashed()},
        "steps": _steps(0.01, (2, 12)) if quick else _steps(RATE, SAMPLE),
        "seeds": (1, 2) if quick else (1, 2, 3, 4, 5),
        "batch_size": _BATCH[model],
        "snapshots": Snapshots(20, 500) if quick else Snapshots(100, 10_000),
        "equal_step_to": "tail",
    }
    title = f"ASAP.SGD (ICML 2022): {kind.__name__} on {dataset}, {where}"
    return Study(f"{model}-{dataset}-{where}", title, _CLAIM, dataset, kind, common | settings, _initialiser(quick))


def _steps(rate: float, sample: tuple[int, int]) -> dict[str, Step]:
    """Return the paper's steps; TAIL-τ in the form that keeps the mean, and in that of the published code."""
    return {
        "constant": Constant(rate),
        "inverse-plus-one": InversePlusOne(rate),
        "fleet": FLeet(rate, sample=sample),
        "tail": TailTau(rate, sample=sample),
        "tail:exclusive": TailTau(rate, cdf="exclusive", sample=sample),
    }


def _simulated(quick: bool) -> dict[str, Any]:
    laws = {"compute": LogNormal(1.0, 0.3), "publish": 0.01}
    return laws | ({"workers": (16,), "updates": 400} if quick else {"workers": (8, 32, 128), "updates": 20_000})


def _initialiser(quick: bool) -> str:
    """The papers' start lies on a plateau, which a quick run would not leave."""
    return "he" if quick else "papers"
