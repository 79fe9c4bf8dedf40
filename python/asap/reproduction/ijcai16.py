"""Zhang, Gupta, Lian and Liu, *Staleness-aware Async-SGD*, IJCAI 2016: n-softsync with η and with η/τ, λ = 30."""

from __future__ import annotations

from typing import Any

from asap import models
from asap.engines import Locked
from asap.laws import LogNormal
from asap.losses import Snapshots
from asap.reproduction.study import Study
from asap.steps import Constant, Inverse

__all__ = ["studies"]

LEARNERS, RATE = 30, 0.1
_CLAIM = (
    "On CIFAR-10 with 30 learners and mini-batches of 4, a constant η leaves 15- and 30-softsync at 90 % error, while "
    "η/τ brings all of n = 1, 15, 30 to about 18 %; mean τ is about n."
)


def studies(quick: bool) -> list[Study]:
    """Return 30-softsync, which with single gradients is the lock-based engine, in virtual time."""
    settings: dict[str, Any] = {
        "engines": {"softsync:30": Locked()},
        "steps": {"constant": Constant(RATE), "inverse": Inverse(RATE)},
        "workers": (LEARNERS,),
        "seeds": (1, 2) if quick else (1, 2, 3, 4, 5),
        "compute": LogNormal(1.0, 0.3),
        "batch_size": 4,
        "updates": 3_000 if quick else 125_000,
        "snapshots": Snapshots(50, 500) if quick else Snapshots(1_250, 10_000),
        "equal_step_to": "inverse",
    }
    dataset = "digits" if quick else "cifar-10"
    title = f"Staleness-aware Async-SGD (IJCAI 2016): {models.LeNet.__name__} on {dataset}, λ = {LEARNERS}, simulated"
    return [Study(f"softsync-{dataset}", title, _CLAIM, dataset, models.LeNet, settings, "he")]
