"""Zhang, Gupta, Lian and Liu, *Staleness-aware Async-SGD*, IJCAI 2016: n-softsync with η and with η/τ, λ = 30."""

from __future__ import annotations

from typing import Any

from asap import models
from asap.engines import Softsync
from asap.laws import LogNormal
from asap.losses import Snapshots
from asap.reproduction.study import Study
from asap.steps import Constant, Inverse

__all__ = ["studies"]

LEARNERS, RATE = 30, 0.05
_CLAIM = (
    "On CIFAR-10 with 30 learners and mini-batches of 4, a constant η leaves 15- and 30-softsync at 90 % error, while "
    "η/τ brings all of n = 1, 15, 30 to about 18 %; mean τ is about n."
)


def studies(quick: bool) -> list[Study]:
    """Return n = 1, 15 and 30 in virtual time and, in full, with as many threads."""
    simulated = _study("simulated", {"compute": LogNormal(1.0, 0.3)}, quick)
    return [simulated] if quick else [simulated, _study("threads", {}, quick)]


def _study(where: str, laws: dict[str, Any], quick: bool) -> Study:
    settings: dict[str, Any] = {
        "engines": {f"softsync:{n}": Softsync(n) for n in (1, 15, 30)},
        "steps": {"constant": Constant(RATE), "inverse": Inverse(RATE)},
        "workers": (LEARNERS,),
        "seeds": (1, 2) if quick else (1, 2, 3, 4, 5),
        "batch_size": 4,
        "epochs": 8 if quick else 3,
        "snapshots": Snapshots(10, 500) if quick else Snapshots(100, 2_000),
        "equal_step_to": "inverse",
    }
    dataset = "digits" if quick else "cifar-10"
    title = f"Staleness-aware Async-SGD (IJCAI 2016): {models.LeNet.__name__} on {dataset}, λ = {LEARNERS}, {where}"
    return Study(f"softsync-{dataset}-{where}", title, _CLAIM, dataset, models.LeNet, settings | laws, "he")
