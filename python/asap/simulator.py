"""Simulation: a run in virtual time, with real gradients, on one thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from asap import _checks, _core
from asap._execution import execute
from asap.callbacks import Callback
from asap.config import TrainConfig, checked_config
from asap.corrections import Correction
from asap.engines import Engine
from asap.laws import Law, LogNormal
from asap.losses import Snapshots
from asap.model import DataLike, Model
from asap.run import Run
from asap.simulation import MAX_WORKERS, Simulation, checked_simulation, checked_team
from asap.steps import Step
from asap.stops import StopRule

__all__ = ["simulate"]


def simulate(
    model: Model,
    data: DataLike,
    *,
    engine: Engine | None = None,
    step: Step | float = 0.01,
    correction: Correction | None = None,
    workers: int | Mapping[float, int] | None = None,
    compute: Law | float = LogNormal(1.0, 0.3),  # noqa: B008  # an immutable value
    publish: Law | float = 0.0,
    batch_size: int = 32,
    epochs: int | None = None,
    updates: int | None = None,
    seconds: float | None = None,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    validation: DataLike | None = None,
    row_every: int | None = None,
    stop: StopRule | Sequence[StopRule] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    seed: int = 0,
    on_nonfinite: str = "stop",
    progress: bool | None = None,
    snapshots: Snapshots | int | None = None,
    trace: bool = False,
    memory_limit: int | None = None,
) -> Run:
    """Train in virtual time: any number of workers whose gradients are real, but computed on one thread.

    What `asap.train` leaves to the machine, who reads and publishes when, is decided by laws here. Batches, engines,
    steps, histories and traces are the same, and `asap.replay` runs a traced simulation again, too. The same seed gives
    the same bytes of everything on the same build and instruction set. With one worker, and with any number of the
    engine `asap.Synchronous`, the parameters have the bits of `asap.train`.

    It takes about the time of the gradients on one core, and the memory of one parameter vector for each version that
    some worker still looks at: one per worker at most. docs/simulator.md says what is modelled of each engine.

    Args:
        model: what to train; it ends as the run does.
        data: a split, or (inputs, labels or targets).
        engine: who may read and write the shared parameters when; `asap.Leashed()` by default. How an engine reads
            (`read=`) matters for Hogwild only, whose form update="fused" cannot be simulated.
        step: base rate and staleness scale; a number η is `asap.Constant(η)`.
        correction: as for `asap.train`; of a Hogwild only `asap.NormClipped`, which needs the gradient alone.
        workers: m, 1 to 65,536; or how many from which virtual second on, as {0: 8, 100.0: 64}. A worker that is too
            much ends after its current update. By default as for `asap.train`.
        compute: law of the time from a worker's read to the end of its gradient: `asap.laws`, or a number of seconds.
        publish: law of the time of an attempt to publish, likewise. With 0 nobody ever waits or comes second.
        batch_size: samples in a gradient; the last batch of an epoch may be shorter.
        epochs: passes over the data; one without any limit.
        updates: published updates.
        seconds: virtual time.
        momentum: β in [0, 1): u ← β u + C(τ) g, θ ← θ − η u.
        weight_decay: λ ≥ 0: g is the gradient plus λ θ.
        validation: like data; evaluated with each row of the history. It takes no virtual time.
        row_every: published updates from one row of the history to the next, instead of an epoch: stop rules and
            validation follow it.
        stop: one or several rules, judged after each row of the history.
        callbacks: functions of a `RunState`, called after each row of the history and about twice a second of real time
            between; its `seconds` are virtual.
        seed: of the batch order and of virtual time.
        on_nonfinite: as for `asap.train`.
        progress: as for `asap.train`.
        snapshots: as for `asap.train`; each is of exactly the N-th update.
        trace: whether to record what happened to every gradient, as `run.trace`.
        memory_limit: bytes of parameters and gradients; a simulation that may need more is refused, with the figure.
            By default three quarters of the machine's memory.

    Returns:
        The run; `run.simulation` tells of its laws, and all its seconds are virtual. When it is stopped, by a rule, a
        callback, Ctrl-C, or the limit `seconds`, it ends at once: gradients on their way are given up.

    Raises:
        TypeError, ValueError: an argument does not fit, or memory_limit is too small; names the argument, what was
            given and what is accepted.
        OSError: the trace could not be written. The model keeps what was learnt so far.
        Exception: whatever a callback or the function of an `asap.Custom` step raised; likewise.
    """
    _checks.instance("model", model, Model, "a model such as asap.models.LeNet(data)")
    config, simulation = simulated_config(
        engine=engine,
        step=step,
        correction=correction,
        workers=workers,
        compute=compute,
        publish=publish,
        batch_size=batch_size,
        epochs=epochs,
        updates=updates,
        seconds=seconds,
        momentum=momentum,
        weight_decay=weight_decay,
        row_every=row_every,
        stop=stop,
        seed=seed,
        on_nonfinite=on_nonfinite,
        snapshots=snapshots,
        trace=trace,
        memory_limit=memory_limit,
    )
    return execute(
        model,
        data,
        config,
        validation=validation,
        callbacks=callbacks,
        progress=progress,
        begin=None,
        simulation=simulation,
    )


def simulated_config(
    *,
    workers: int | Mapping[float, int] | None,
    compute: object,
    publish: object,
    row_every: object,
    memory_limit: object,
    num_parameters: int | None = None,
    **settings: Any,
) -> tuple[TrainConfig, Simulation]:
    """Check what `simulate` was given and fill in the defaults; its memory, if so many parameters are known."""
    team = checked_team(workers) if isinstance(workers, Mapping) else None
    most = max(count for _, count in team) if team else workers
    config = checked_config(workers=most, affinity="none", max_workers=MAX_WORKERS, **settings)  # type: ignore[arg-type]
    simulation = checked_simulation(compute, publish, team or ((0.0, config.workers),), row_every, memory_limit)
    options = config._to_core(samples=1, workers=simulation.first_workers)
    _core.check_simulation(options, **simulation._to_core(), num_parameters=num_parameters)
    return config, simulation
