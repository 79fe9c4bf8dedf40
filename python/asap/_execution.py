"""One run from checked settings: what `asap.train` and `asap.resume` have in common."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from asap import _checkpoint_document, _checkpoint_file, _checks, _core
from asap import progress as displays
from asap._checkpoint_document import Saved
from asap._fingerprint import fingerprint
from asap._snapshots import Moment, SnapshotFile, sampled
from asap._unloaded import Unloaded
from asap.callbacks import Callback, Observer
from asap.cluster import Cluster
from asap.config import TrainConfig
from asap.history import row_of
from asap.losses import Losses
from asap.model import DataLike, Model
from asap.run import Run
from asap.simulation import Simulation
from asap.stops import StopRule
from asap.trace import Trace, origin_of, records_in

Write = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True)
class Subject:
    """What whoever conducts a run elsewhere needs of it.

    Attributes:
        theta: parameters to begin with, in; where the run ended, out.
        training: the training data, or what is known of it here.
        validation: held-out data.
        trace: where records of the trace go.
        observer: who is told of what happens.
    """

    theta: NDArray[np.float32]
    training: _core.Dataset | Unloaded
    validation: _core.Dataset | None
    trace: IO[bytes] | None
    observer: Observer


Conduct = Callable[[Subject], dict[str, Any]]


def execute(
    model: Model,
    data: DataLike | _core.Dataset | Unloaded,
    config: TrainConfig,
    *,
    validation: DataLike | None,
    callbacks: object,
    progress: bool | None,
    begin: Saved | None,
    simulation: Simulation | None = None,
    schedule: Trace | None = None,
    conduct: Conduct | None = None,
    cluster: Cluster | None = None,
) -> Run:
    """Run from the model's parameters, or from where the checkpoint `begin` was made, to the end.

    On threads, in virtual time with a simulation, by the schedule of another run, or as somebody conducts it on a
    cluster.
    """
    functions = _checked_callbacks(callbacks)
    training = data if isinstance(data, (_core.Dataset, Unloaded)) else model._dataset(data)
    held_out = None if validation is None else model._dataset(validation, "validation")
    has_classes = model.architecture.has_classes
    check_columns(config.stop, held_out is not None, has_classes)
    resumed = () if begin is None else (*begin.resumed, begin.state["version"])
    write = _writer(model, training, config, resumed, begin)
    display = displays.choose(progress, config.span(len(training)))
    rows = [] if begin is None else [row_of(record, has_classes) for record in begin.records]
    start, theta = model.parameters.copy(), model.parameters.copy()
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.TemporaryFile()) if config.trace else None
        snapshots = None
        if config.snapshots is not None and begin is None:
            snapshots = SnapshotFile(stack.enter_context(tempfile.TemporaryFile()), start)
        observer = Observer(display, config.stop, functions, has_classes, write, snapshots, rows)
        try:
            if conduct is not None:
                report = conduct(Subject(theta, training, held_out, file, observer))
            else:
                assert isinstance(training, _core.Dataset)  # threads need it here
                report = _run(model, theta, training, held_out, config, file, begin, simulation, schedule, observer)
        except BaseException as error:
            observer.explain(error)
            model.parameters = theta
            with suppress(Exception):  # the display may be what failed: its first error counts
                display.close()
            raise
        model.parameters = theta
        display.close()
        traced = None if file is None else _trace(file, report, start, model, training, config, begin)
        losses = None if snapshots is None else _losses(snapshots, report, theta, model, training, config)
    _warn_unpinned(report["placement"], config)
    num_validation = 0 if held_out is None else len(held_out)
    simulated = simulation and simulation._with(report)
    return Run._of(
        report,
        model,
        theta,
        config,
        len(training),
        num_validation,
        resumed,
        traced,
        losses,
        simulated,
        schedule is not None,
        cluster,
    )


def _writer(
    model: Model, training: _core.Dataset | Unloaded, config: TrainConfig, resumed: tuple[int, ...], begin: Saved | None
) -> Write | None:
    if config.checkpoint is None:
        return None
    path = Path(config.checkpoint.path)
    _checkpoint_file.expect_writable(path)
    data = fingerprint(training) if begin is None else begin.data
    facts = _checkpoint_document.facts(model.architecture, config, len(training), data, resumed)
    return partial(_checkpoint_file.write, path, facts)


def _run(
    model: Model,
    theta: NDArray[np.float32],
    training: _core.Dataset,
    validation: _core.Dataset | None,
    config: TrainConfig,
    trace: IO[bytes] | None,
    begin: Saved | None,
    simulation: Simulation | None,
    schedule: Trace | None,
    observer: Observer,
) -> dict[str, Any]:
    settings: dict[str, Any] = {} if begin is None else {"snapshots": None}
    if schedule is not None:
        settings |= {"epochs": None, "updates": None, "seconds": None}
    if simulation is not None:
        settings["workers"] = simulation.first_workers
    options = config._to_core(len(training), **settings)
    sinks: dict[str, Any] = {
        "validation": validation,
        "trace": None if trace is None else trace.fileno(),
        "observer": observer,
    }
    subject = (model._network, theta, training, options)
    if schedule is not None:
        return _core.what_if(*subject, schedule.records, **sinks)
    if simulation is not None:
        return _core.simulate(*subject, **simulation._to_core() | sinks)
    return _core.train(*subject, resume=None if begin is None else begin.state, **sinks)


def _trace(
    file: IO[bytes],
    report: Mapping[str, Any],
    start: NDArray[np.float32],
    model: Model,
    training: _core.Dataset | Unloaded,
    config: TrainConfig,
    begin: Saved | None,
) -> Trace:
    """Return the trace that the core left in the file."""
    num_records, stalls = report["trace"]
    start.flags.writeable = False
    origin = origin_of(model, fingerprint(training), len(training))
    first = 0 if begin is None else begin.state["version"]
    arrays = {} if begin is None else begin.state["arrays"]
    velocity, movement = arrays.get("velocity"), arrays.get("movement")
    records = records_in(file, num_records)
    known = training if isinstance(training, _core.Dataset) else None
    return Trace(records, start, first, config.workers, stalls, origin, velocity, movement, known)


def _losses(
    snapshots: SnapshotFile,
    report: Mapping[str, Any],
    theta: NDArray[np.float32],
    model: Model,
    training: _core.Dataset | Unloaded,
    config: TrainConfig,
) -> Losses:
    """Evaluate the snapshots and the end of the run; when it diverged, its parameters are of some time before."""
    assert config.snapshots is not None  # there are some
    if report["status"] != "diverged":
        epoch = report["history"][-1]["epoch"] if report["history"] else 0.0
        snapshots.add(theta, Moment(report["version"], epoch, report["seconds"]))
    return snapshots.losses(model, sampled(training, config.snapshots.samples))


def _warn_unpinned(placement: Mapping[str, Any], config: TrainConfig) -> None:
    if placement["unpinned"]:
        warnings.warn(
            f"affinity={config.affinity!r}: {placement['unpinned']} of {config.workers} workers could not be bound to "
            f"their CPU and ran unbound ({placement['pin_error']})",
            RuntimeWarning,
            stacklevel=4,  # the caller of asap.train or asap.resume
        )


def _checked_callbacks(callbacks: object) -> tuple[Callback, ...]:
    functions = tuple(callbacks) if isinstance(callbacks, (list, tuple)) else (callbacks,)
    for i, function in enumerate(functions):
        if not callable(function):
            raise TypeError(f"callbacks[{i}] must be callable with a RunState; got {_checks.shown(function)}")
    return functions


def check_columns(stop: Sequence[StopRule], is_validated: bool, has_classes: bool) -> None:
    """Refuse stop rules that could never be judged."""
    for rule in stop:
        if rule.column != "loss" and not is_validated:
            raise ValueError(f"stop={rule!r} needs validation data; give validation=")
        if rule.column == "accuracy" and not has_classes:
            raise ValueError(f"stop={rule!r} needs classes, hence the loss softmax-cross-entropy")
