"""Training on a cluster: the learners are actors of Ray, and so is the parameter server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import ray

from asap import _checkpoint_file, _checks, _core, datasets, engines
from asap._checkpoint_document import Saved
from asap._execution import Subject, execute
from asap.callbacks import Callback
from asap.checkpoint import Checkpoint
from asap.cluster import Cluster
from asap.config import TrainConfig, checked_config
from asap.corrections import Correction
from asap.losses import Snapshots
from asap.model import DataLike, Model
from asap.ray._driver import Driver, Setting, Validate
from asap.ray._learner import Assignment
from asap.ray._session import connect
from asap.ray._sources import Named, Source, Stored
from asap.ray._transport import TRANSPORTS
from asap.ray.within import Within
from asap.resumer import changed, same_file
from asap.run import Run
from asap.steps import Step
from asap.stops import StopRule

__all__ = ["resume", "train"]


def train(
    model: Model,
    data: DataLike | str,
    *,
    engine: engines.Softsync | engines.Synchronous | None = None,
    step: Step | float | None = None,
    learners: int = 2,
    within: Within | None = None,
    batch_size: int = 32,
    epochs: int | None = None,
    updates: int | None = None,
    seconds: float | None = None,
    momentum: float = 0.0,
    weight_decay: float = 0.0,
    validation: DataLike | None = None,
    stop: StopRule | Sequence[StopRule] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    seed: int = 0,
    on_nonfinite: str = "stop",
    progress: bool | None = None,
    snapshots: Snapshots | int | None = None,
    trace: bool = False,
    checkpoint: Checkpoint | None = None,
    correction: Correction | None = None,
    in_flight: int = 1,
    transport: str = "float32",
    address: str | None = None,
    learner_options: Mapping[str, Any] | None = None,
) -> Run:
    """Train a model with learners on the machines of a Ray cluster (Zhang, Gupta, Lian and Liu, IJCAI 2016).

    Learners get a batch and the current parameters from a parameter server, and bring the gradient back, which carries
    the version that it was computed on: the staleness of every update is exact, and scales it as in `asap.train`. With
    `asap.Synchronous()` ("hardsync") the result has the bits of `asap.train` for the same seed, and a traced run of
    either engine can be replayed bit by bit (`asap.replay`), given the same instruction set on all machines and
    transport="float32".

    A learner that dies is replaced, and its batch goes to another one: of each batch one gradient counts, whatever is
    lost. A server that dies is restored from the last checkpoint. What happened is counted in `run.cluster`.

    Args:
        model: what to train.
        data: the name of a data set, whose training split every learner loads from its own machine; or a split or
            (inputs, labels or targets), which go to the object store once.
        engine: `asap.Softsync(n)`, by default with n = m: every gradient is an update (Downpour SGD); or
            `asap.Synchronous()`.
        step: base rate and staleness scale, as for `asap.train`; by default 0.01, and 1.0 with `within`: what a learner
            has changed is then taken as it is.
        learners: how many processes compute gradients.
        within: several workers in each learner, who train on `within.batches` batches before what they changed goes to
            the server, as one gradient of as many samples. `momentum` and `step` are those of the server then,
            `weight_decay` and `correction` hold within. None: each learner computes one gradient at a time.
        batch_size: samples in a gradient.
        epochs: passes over the data.
        updates: published updates; gradients that are on their way then are given up.
        seconds: wall-clock time.
        momentum: as for `asap.train`.
        weight_decay: as for `asap.train`.
        validation: evaluated by the calling process after each epoch; the learners go on meanwhile.
        stop: as for `asap.train`.
        callbacks: as for `asap.train`; called in this process.
        seed: of the batch order.
        on_nonfinite: as for `asap.train`.
        progress: as for `asap.train`.
        snapshots: as for `asap.train`.
        trace: whether to record what happened to every gradient; 40 bytes each in the server's memory.
        checkpoint: where and how often to write what `asap.ray.resume` goes on from, and a server is restored from.
        correction: None, or `asap.NormClipped`: the server does not keep what gradients were computed on.
        in_flight: gradients that each learner has under way. With 2 it computes one while the other travels, on
            parameters that are an update older. Each counts as a worker: m = learners · in_flight.
        transport: what travels: "float32", or parameters and gradients rounded to "float16" or "bfloat16", which takes
            half the bytes.
        address: of a cluster, "auto" for the one that this machine is part of. None: the session that `ray.init` opened
            in this process, else a local one.
        learner_options: resources of a learner, as for `ray.remote`; by default a CPU for each of its workers.

    Returns:
        The run, as from `asap.train`, and `run.cluster`.

    Raises:
        TypeError, ValueError: an argument does not fit; names the argument, what was given and what is accepted.
        RuntimeError: a learner failed again and again while the run did not get on, or the server died without a
            checkpoint; the cause tells why. The model keeps what was learnt so far.
        ImportError, OSError, Exception: as for `asap.train`.
    """
    _checks.instance("model", model, Model, "a model such as asap.models.LeNet(data)")
    config = checked(
        engine=engine,
        step=step,
        learners=learners,
        within=within,
        batch_size=batch_size,
        epochs=epochs,
        updates=updates,
        seconds=seconds,
        momentum=momentum,
        weight_decay=weight_decay,
        stop=stop,
        seed=seed,
        on_nonfinite=on_nonfinite,
        snapshots=snapshots,
        trace=trace,
        checkpoint=checkpoint,
        correction=correction,
        in_flight=in_flight,
        transport=transport,
    )
    cluster = Cluster(learners, in_flight, transport)
    return _execute(
        model, data, config, within, cluster, address, learner_options, validation, callbacks, progress, begin=None
    )


def checked(
    *,
    engine: object,
    step: object,
    learners: int,
    within: Within | None,
    batch_size: int,
    in_flight: int,
    transport: str,
    **others: Any,
) -> TrainConfig:
    """Check what `train` was given and fill in the defaults."""
    learners = _checks.integer("learners", learners, 1)
    in_flight = _checks.integer("in_flight", in_flight, 1)
    _checks.choice("transport", transport, TRANSPORTS)
    if within is not None:
        _checks.instance("within", within, Within, "None or asap.ray.Within(workers=4)")
        batch_size = _checks.integer("batch_size", batch_size, 1) * within.batches
    return checked_config(
        engine=_checked_engine(engine),
        step=(0.01 if within is None else 1.0) if step is None else step,
        workers=learners * in_flight,
        batch_size=batch_size,
        affinity="none",
        **others,
    )


def resume(
    path: str | PathLike[str],
    data: DataLike | str,
    *,
    learners: int | None = None,
    within: Within | None = None,
    epochs: int | None = None,
    updates: int | None = None,
    seconds: float | None = None,
    validation: DataLike | None = None,
    stop: StopRule | Sequence[StopRule] | None = None,
    callbacks: Callback | Sequence[Callback] = (),
    progress: bool | None = None,
    trace: bool | None = None,
    in_flight: int = 1,
    transport: str = "float32",
    address: str | None = None,
    learner_options: Mapping[str, Any] | None = None,
) -> Run:
    """Go on with a run from a checkpoint of `asap.ray.train(…, checkpoint=asap.Checkpoint(path))`.

    Batches that were with learners then are handed out again: none is lost, none counts twice.

    Args:
        path: the checkpoint.
        data: the training data of the run.
        learners: None: as many as before. Another number is another execution: a step that samples τ does so anew.
        within: that of the run, which is not kept in a checkpoint.
        epochs: passes over the data, of the whole run. A limit given here replaces all those of the run.
        updates: published updates, likewise.
        seconds: wall-clock time, likewise.
        validation: as for `train`; not kept in a checkpoint.
        stop: rules that replace those of the run; () for none.
        callbacks: as for `train`.
        progress: as for `train`.
        trace: whether to record this part of the run.
        in_flight: as for `train`.
        transport: as for `train`.
        address: as for `train`.
        learner_options: as for `train`.

    Returns:
        The whole run, as if it had never been interrupted; `run.resumed` tells from where it was.

    Raises:
        FileNotFoundError, ValueError, TypeError, ImportError: as for `asap.resume`.
        RuntimeError, OSError, Exception: as for `train`.
    """
    saved = _checkpoint_file.read(Path(_checks.path("path", path)))
    in_flight = _checks.integer("in_flight", in_flight, 1)
    _checks.choice("transport", transport, TRANSPORTS)
    workers = None if learners is None else _checks.integer("learners", learners, 1) * in_flight
    config = changed(
        saved,
        limits=(epochs, updates, seconds),
        workers=workers,
        stop=stop,
        trace=trace,
        checkpoint=same_file(saved, path),
    )
    _checked_engine(config.engine)
    if config.workers % in_flight:
        raise ValueError(f"in_flight must divide the workers of the run, {config.workers}; got {in_flight}")
    model = Model(saved.architecture, saved.state["arrays"]["parameters"])
    cluster = Cluster(config.workers // in_flight, in_flight, transport)
    return _execute(
        model, data, config, within, cluster, address, learner_options, validation, callbacks, progress, begin=saved
    )


def _checked_engine(engine: object) -> engines.Softsync | engines.Synchronous:
    if engine is None:
        return engines.Softsync()
    accepted = "None, asap.Softsync(n) or asap.Synchronous()"
    return _checks.instance("engine", engine, (engines.Softsync, engines.Synchronous), accepted)


def _execute(
    model: Model,
    data: DataLike | str,
    config: TrainConfig,
    within: Within | None,
    cluster: Cluster,
    address: str | None,
    learner_options: Mapping[str, Any] | None,
    validation: DataLike | None,
    callbacks: Callback | Sequence[Callback],
    progress: bool | None,
    begin: Saved | None,
) -> Run:
    here = datasets.load(data).train if isinstance(data, str) else data
    options = {"num_cpus": 1 if within is None else within.workers} | dict(learner_options or {})

    def conduct(subject: Subject) -> dict[str, Any]:
        connect(address, cluster.learners * (1 if within is None else within.workers))
        source = _source(data, subject.training)
        assignment = Assignment(model.architecture, source, config, within, cluster.in_flight, cluster.transport)
        setting = Setting(assignment, len(subject.training), options, {"num_cpus": 0})
        validate = None if subject.validation is None else _validate(model, subject.validation)
        driver = Driver(setting, cluster, subject.observer, validate, None if begin is None else begin.state)
        report = driver.run(subject.theta)
        if subject.trace is not None:
            subject.trace.write(report["records"].tobytes())
            subject.trace.flush()
        return report

    return execute(
        model,
        here,
        config,
        validation=validation,
        callbacks=callbacks,
        progress=progress,
        begin=begin,
        conduct=conduct,
        cluster=cluster,
    )


def _source(data: DataLike | str, training: _core.Dataset) -> Source:
    if isinstance(data, str):
        return Named(data)
    answers = training.labels if training.labels is not None else training.targets
    return Stored([ray.put(training.inputs), ray.put(answers)])


def _validate(model: Model, validation: _core.Dataset) -> Validate:
    def evaluate(theta: Any) -> tuple[float, int, int]:
        return model._network.evaluate(theta, validation, min(256, len(validation)))

    return evaluate
