"""The settings of a run, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from asap import _checks, _core, corrections, engines
from asap._plain import plain
from asap.checkpoint import Checkpoint
from asap.checkpoint import checked as checked_checkpoint
from asap.corrections import Correction
from asap.corrections import checked as checked_correction
from asap.engines import Engine
from asap.losses import Snapshots, as_snapshots
from asap.model import Model
from asap.rates import Span
from asap.steps import Step, as_step
from asap.stops import StopRule

__all__ = ["TrainConfig"]

MAX_SEED = 2**64 - 1
MAX_WORKERS = 4096  # threads; the core has no more

AFFINITIES = ("none", "compact", "scatter")
ON_NONFINITE = ("stop", "skip")

_SAME_IN_CORE = (
    *("workers", "epochs", "updates", "seconds"),
    *("momentum", "weight_decay", "seed", "affinity", "on_nonfinite"),
)


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a run as `asap.train` understood them, defaults filled in; see there for their meanings."""

    engine: Engine
    step: Step
    workers: int
    batch_size: int
    epochs: int | None
    updates: int | None
    seconds: float | None
    momentum: float
    weight_decay: float
    stop: tuple[StopRule, ...]
    seed: int
    affinity: str
    on_nonfinite: str
    snapshots: Snapshots | None
    trace: bool
    checkpoint: Checkpoint | None
    correction: Correction | None

    def span(self, samples: int) -> Span:
        """Return how long the run is on so many samples; a synchronous update consumes a batch per worker."""
        batches = -(-samples // self.batch_size)
        per_epoch = batches / (self.workers if isinstance(self.engine, engines.Synchronous) else 1)
        limits = [] if self.updates is None else [self.updates]
        limits += [] if self.epochs is None else [round(self.epochs * per_epoch)]
        return Span(per_epoch, max(1, min(limits)) if limits else None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {field.name: plain(getattr(self, field.name)) for field in fields(self)}

    def _to_core(self, samples: int, **changes: Any) -> _core.TrainOptions:
        """Return the options of the core for so many samples, with other values for some of them."""
        settings: dict[str, Any] = {name: getattr(self, name) for name in _SAME_IN_CORE}
        settings |= {
            "engine": self.engine._to_core(),
            "batch_size": min(self.batch_size, samples),  # what a larger batch holds, in no more memory
            "rate": self.step._rate_to_core(self.span(samples)),
            "policy": self.step._to_core(),
            "correction": corrections.to_core(self.correction),
            "snapshots": self.snapshots and self.snapshots.every,
            "checkpoint": self.checkpoint and (self.checkpoint.every, self.checkpoint.unit),
        }
        return _core.TrainOptions(**settings | changes)


def checked_config(
    *,
    engine: object,
    step: object,
    workers: int | None,
    batch_size: int,
    epochs: int | None,
    updates: int | None,
    seconds: float | None,
    momentum: float,
    weight_decay: float,
    stop: object,
    seed: int,
    affinity: str,
    on_nonfinite: str = "stop",
    snapshots: object = None,
    trace: bool = False,
    checkpoint: object = None,
    correction: object = None,
    max_workers: int = MAX_WORKERS,
) -> TrainConfig:
    """Check what `asap.train` was given and fill in the defaults."""
    engine = as_engine(engine)
    if epochs is None and updates is None and seconds is None:
        epochs = 1
    config = TrainConfig(
        engine=engine,
        step=as_step(step),
        workers=_worker_count(workers, engine, max_workers),
        batch_size=_checks.integer("batch_size", batch_size, 1),
        epochs=None if epochs is None else _checks.integer("epochs", epochs, 1),
        updates=None if updates is None else _checks.integer("updates", updates, 1),
        seconds=None if seconds is None else _checks.positive("seconds", seconds),
        momentum=_checks.number("momentum", momentum, "a number in [0, 1)", lambda x: 0.0 <= x < 1.0),
        weight_decay=_checks.not_negative("weight_decay", weight_decay),
        stop=stop_rules(stop),
        seed=_checks.integer("seed", seed, 0, MAX_SEED),
        affinity=_checks.choice("affinity", affinity, AFFINITIES),
        on_nonfinite=_checks.choice("on_nonfinite", on_nonfinite, ON_NONFINITE),
        snapshots=as_snapshots(snapshots),
        trace=_checks.flag("trace", trace),
        checkpoint=checked_checkpoint(checkpoint),
        correction=checked_correction(correction),
    )
    _core.check_options(config._to_core(samples=1), max_workers)  # knows what the engines cannot do
    return config


def as_engine(value: object) -> Engine:
    """Return an engine as it is, and Leashed() for None."""
    if value is None:
        return engines.Leashed()
    if isinstance(value, Model) or (isinstance(value, type) and issubclass(value, Model)):
        raise TypeError(
            "engine must be an engine; got a network (asap.Sequential is the network container): "
            "the one-worker engine is asap.engines.Sequential()"
        )
    return _checks.instance("engine", value, Engine.__args__, "an engine such as asap.Leashed()")


def _worker_count(workers: int | None, engine: Engine, maximum: int) -> int:
    alone = isinstance(engine, engines.Sequential)
    if workers is None:
        return 1 if alone else _core.usable_cpus()
    workers = _checks.integer("workers", workers, 1, maximum)
    if alone and workers != 1:
        raise ValueError(f"workers must be 1 with the engine asap.engines.Sequential(); got {workers}")
    return workers


def stop_rules(stop: object) -> tuple[StopRule, ...]:
    """Return the rules of `stop=`, however many."""
    rules = () if stop is None else tuple(stop) if isinstance(stop, (list, tuple)) else (stop,)
    accepted = "None, a rule such as asap.TargetLoss(0.1), or a list of rules"
    return tuple(_checks.instance("stop", rule, StopRule.__args__, accepted) for rule in rules)
