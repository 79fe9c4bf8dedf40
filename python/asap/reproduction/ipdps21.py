"""Bäckström, Walulya, Papatriantafilou and Tsigas, *Leashed-SGD*, IPDPS 2021: persistence, contention and memory."""

from __future__ import annotations

from typing import Any

from asap import models
from asap.engines import Hogwild, Leashed, Locked
from asap.laws import LogNormal
from asap.losses import Snapshots
from asap.reproduction.study import Study
from asap.steps import Constant

__all__ = ["studies"]

_CLAIM = (
    "Leashed-SGD converges faster and more stably than lock-based AsyncSGD and Hogwild!, with a persistence bound the "
    "more so under contention; its retry loop holds about m / (T_c/T_u + 1) workers, and it needs at most 3m vectors."
)
_ENGINES = {
    "leashed:0": Leashed(0),
    "leashed:1": Leashed(1),
    "leashed": Leashed(),
    "locked": Locked(),
    "hogwild": Hogwild(),
}


def studies(quick: bool) -> list[Study]:
    """Return the networks of the paper on threads, and one in virtual time where publishing takes long."""
    if quick:
        return [_study("cnn", "digits", True, True)]
    threads = [_study(model, "mnist", False, False) for model in ("mlp", "cnn")]
    return [*threads, _study("mlp", "mnist", True, False)]


def _study(model: str, dataset: str, simulated: bool, quick: bool) -> Study:
    """From He's start: the paper's lies on a plateau, where it spends most of its hours; two cores have fewer."""
    kind = {"mlp": models.MLP, "cnn": models.CNN}[model]
    where = "simulated" if simulated else "threads"
    settings: dict[str, Any] = {
        "engines": _ENGINES,
        "steps": {"constant": Constant(0.05 if quick else 0.02)},
        "workers": (8,) if quick else (16, 64) if simulated else (1, 2, 4, 8, 16),
        "seeds": (1, 2) if quick else (1, 2, 3, 4, 5),
        "batch_size": 32 if quick else 512,
        "updates": 300 if quick else 600,
        "snapshots": Snapshots(20, 500) if quick else Snapshots(20, 2_000),
    }
    if simulated:
        settings |= {"compute": LogNormal(1.0, 0.3), "publish": 0.1}
    title = f"Leashed-SGD (IPDPS 2021): {kind.__name__} on {dataset}, {where}"
    return Study(f"{model}-{dataset}-{where}", title, _CLAIM, dataset, kind, settings, "he")
