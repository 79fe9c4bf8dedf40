"""Made-up outcomes: documents of runs whose curves have a closed form; and comparisons of short runs."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import asap
from asap.laboratory import Case, Comparison, Outcome

Data = tuple[NDArray[np.float32], NDArray[np.int32]]

INITIAL = 2.3
ENVIRONMENT = {"asap": "0", "cpu": "a processor", "isa": "none", "usable_cpus": 2, "python": "3", "numpy": "1"}


def case(
    engine: str = "leashed",
    step: str = "constant",
    workers: int = 2,
    rate: float = 0.05,
    seed: int = 0,
    equal_to: str | None = None,
) -> Case:
    """A case at its nominal rate."""
    return Case(engine, step, workers, rate, rate, seed, equal_to)


def again_at(step: float, of: Case) -> Case:
    """The case run again, to have this effective step."""
    return dataclasses.replace(of, rate=step, wanted=step)


def losses(decay: float, updates: int = 400, every: int = 10, per_second: float = 1000.0) -> list[dict[str, Any]]:
    """Rows of loss = INITIAL · e^(−decay · updates)."""
    versions = range(0, updates + 1, every)
    return [
        {"updates": t, "epoch": t / 100, "seconds": t / per_second, "loss": INITIAL * math.exp(-decay * t)}
        for t in versions
    ]


def document(
    rows: list[dict[str, Any]] | None = None,
    status: str = "completed",
    effective_step: float | None = 0.05,
    counts: tuple[int, ...] = (10, 60, 30),
    table: tuple[float, ...] = (1.0,),
    timed_out: bool = False,
) -> dict[str, Any]:
    """What a run.json holds, as far as the laboratory reads it."""
    taus = np.arange(len(counts))
    return {
        "status": status,
        "model": {"name": "MLP", "num_parameters": 10, "loss": "softmax-cross-entropy"},
        "data": {"samples": 1000, "validation_samples": 100},
        "config": {"batch_size": 32, "workers": 2},
        "environment": ENVIRONMENT,
        "results": {
            "seconds": 0.4,
            "updates": 400,
            "updates_per_second": 1000.0,
            "samples_per_second": 32000.0,
            "gradients": 400,
            "attempts": 410,
            "drops": 0,
            "rejected": 0,
            "skipped": 0,
            "vectors_high_water": 3,
            "effective_step": effective_step,
        },
        "history": [{"validation_loss": 0.5, "accuracy": 0.9}],
        "losses": losses(0.01) if rows is None else rows,
        "staleness": {"counts": list(counts), "mean": float(np.average(taus, weights=counts)), "max": len(counts) - 1},
        "tables": [{"update": 0, "entries": list(table)}],
        "laboratory": {"timed_out": timed_out},
    }


def outcome(of: Case | None = None, **parts: Any) -> Outcome:
    """The outcome of a case."""
    return Outcome(of or case(), document(**parts))


def crash(of: Case, words: str = "MemoryError: no room") -> Outcome:
    """The outcome of a case that raised an error."""
    return Outcome(of, {"error": words, "laboratory": {"timed_out": False}})


SETTINGS: dict[str, Any] = {"batch_size": 16, "updates": 60, "snapshots": 20, "progress": False}


def compared(blobs: Data, model: asap.Model, folder: Path | None, **changes: Any) -> Comparison:
    """Compare two steps on one worker, whose runs can be repeated."""
    settings = SETTINGS | {"workers": 1, "seeds": (1, 2, 3)} | changes
    return asap.compare(
        model, blobs, engines=[asap.Locked()], steps=[0.05, asap.TailTau(0.05)], validation=blobs, folder=folder,
        **settings,
    )  # fmt: skip
