"""Training on a cluster: the learners are actors of Ray, and so is the parameter server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from asap import _checkpoint_file, _checks, _core, engines
from asap._checkpoint_document import Saved
from asap._execution import Subject, execute
from asap.callbacks import Callback
from asap.checkpoint import Checkpoint
from asap.cluster import Cluster
from asap.config import TrainConfig, checked_config
from asap.corrections import Correction
from asap.losses import Snapshots
from asap.model import DataLike, Model
from asap.ray._crew import Crew
from asap.ray._driver import Driver, Validate
from asap.ray._given import Data, given
from asap.ray._learner import Assignment
from asap.ray._server import Team
from asap.ray._servers import Servers
from asap.ray._session import connect
from asap.ray._transport import TRANSPORTS
from asap.ray.within import Within
from asap.resumer import changed, check_data, same_file
from asap.run import Run
from asap.steps import Step
from asap.stops import StopRule

__all__ = ["resume", "train"]


def train(
    model: Model,
    data: Data,
    *,
    engine: engines.Softsync | engines.Synchronous | None = None,
    step: Step | float | None = None,
    learners: int | None = None,
    min_learners: int | None = None,
    max_learners: int | None = None,
    workers_per_learner: int | None = None,
    within: Within | None = None,
    shards: int = 1,
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
    server_options: Mapping[str, Any] | None = None,
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
        data: what all learners can compute any batch of: the name of a data set, whose training split every learner
            loads from its own machine; a split or (inputs, labels or targets), which go to the object store once; or
            `asap.ray.Images`, pictures that are decoded when their batch comes. Or what each learner gets a part of:
            `asap.ray.Files` or the pattern of .npz files, one or more per learner; or a Ray Dataset with the columns
            "inputs" and "labels", or "targets". With parts, `trace` and `snapshots` are refused, an epoch is as many
            batches as all samples make, whoever computes them, and the part of a learner that is not there waits.
        engine: `asap.Softsync(n)`, by default with n = m: every gradient is an update (Downpour SGD); or
            `asap.Synchronous()`.
        step: base rate and staleness scale, as for `asap.train`; by default 0.01, and 1.0 with `within`: what a learner
            has changed is then taken as it is.
        learners: how many processes compute gradients; by default 2. All come before the first gradient.
        min_learners: instead of `learners`: the run begins when so many have come,
        max_learners: and so many are asked for. Those that the cluster has no room for come when it has, as when
            machines join or Ray's autoscaler adds some; those whose machine leaves are missed until there is room
            again. m in ⌊m/n⌋ and in the formulas of steps is the number of those present. In rounds it is always the
            most there may be: fewer learners then compute several batches each, and the result has the same bits.
        workers_per_learner: short for within=Within(workers=…).
        within: several workers in each learner, who train on `within.batches` batches before what they changed goes to
            the server, as one gradient of as many samples. `momentum` and `step` are those of the server then,
            `weight_decay` and `correction` hold within. None: each learner computes one gradient at a time.
        shards: how many servers there are, each for a slice of the parameters, with versions, τ and a table C of its
            own (`run.cluster.shard_staleness`); what is told of the run is that of the first, which hands out the
            batches. Not with `trace`.
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
        server_options: resources of a server, likewise; by default none, and one server is on the machine of this
            process, several are on different ones.

    Returns:
        The run, as from `asap.train`, and `run.cluster`.

    Raises:
        TypeError, ValueError: an argument does not fit; names the argument, what was given and what is accepted.
        RuntimeError: a learner failed again and again while the run did not get on, or the server died without a
            checkpoint; the cause tells why. The model keeps what was learnt so far.
        ImportError, OSError, Exception: as for `asap.train`.
    """
    _checks.instance("model", model, Model, "a model such as asap.models.LeNet(data)")
    config, cluster, within = checked(
        engine=engine,
        step=step,
        learners=learners,
        min_learners=min_learners,
        max_learners=max_learners,
        workers_per_learner=workers_per_learner,
        within=within,
        shards=shards,
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
    _checks.integer("shards", shards, 1, model.num_parameters)
    place = Place(address, learner_options, server_options)
    return _execute(model, data, config, within, cluster, place, validation, callbacks, progress, begin=None)


def checked(
    *,
    engine: object,
    step: object,
    learners: int | None,
    min_learners: int | None,
    max_learners: int | None,
    workers_per_learner: int | None,
    within: Within | None,
    shards: int,
    batch_size: int,
    trace: bool,
    in_flight: int,
    transport: str,
    **others: Any,
) -> tuple[TrainConfig, Cluster, Within | None]:
    """Check what `train` was given and fill in the defaults."""
    fewest, most = _team(learners, min_learners, max_learners)
    in_flight = _checks.integer("in_flight", in_flight, 1)
    _checks.choice("transport", transport, TRANSPORTS)
    within = _within(workers_per_learner, within)
    if within is not None:
        batch_size = _checks.integer("batch_size", batch_size, 1) * within.batches
    config = checked_config(
        engine=_checked_engine(engine),
        step=(0.01 if within is None else 1.0) if step is None else step,
        workers=most * in_flight,
        batch_size=batch_size,
        affinity="none",
        trace=_checked_trace(trace, _checks.integer("shards", shards, 1)),
        **others,
    )
    return config, Cluster(most, in_flight, transport, fewest, shards), within


def _team(learners: int | None, fewest: int | None, most: int | None) -> tuple[int, int]:
    """Return how many learners there are to be, at least and at most."""
    if learners is not None and (fewest is not None or most is not None):
        raise ValueError(
            f"learners must be left out where min_learners or max_learners is given; got learners={learners}, "
            f"min_learners={fewest}, max_learners={most}"
        )
    if fewest is None and most is None:
        learners = _checks.integer("learners", 2 if learners is None else learners, 1)
        return learners, learners
    if most is None:
        raise ValueError(f"max_learners must be given with min_learners; got min_learners={fewest}")
    fewest = _checks.integer("min_learners", 1 if fewest is None else fewest, 1)
    return fewest, _checks.integer("max_learners", most, fewest)


def _within(workers: int | None, within: Within | None) -> Within | None:
    if within is not None:
        if workers is not None:
            raise ValueError(f"workers_per_learner must be left out where within is given; got {workers}")
        return _checks.instance("within", within, Within, "None or asap.ray.Within(workers=4)")
    if workers is None or _checks.integer("workers_per_learner", workers, 1) == 1:
        return None
    return Within(workers)


def _checked_trace(trace: bool, shards: int) -> bool:
    if trace is True and shards > 1:
        raise ValueError(
            f"trace must be False with several shards: a replay would have to know which versions of all of them a "
            f"gradient was computed on; got trace=True, shards={shards}"
        )
    return trace


def resume(
    path: str | PathLike[str],
    data: Data,
    *,
    learners: int | None = None,
    min_learners: int | None = None,
    max_learners: int | None = None,
    workers_per_learner: int | None = None,
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
    server_options: Mapping[str, Any] | None = None,
) -> Run:
    """Go on with a run from a checkpoint of `asap.ray.train(…, checkpoint=asap.Checkpoint(path))`.

    Batches that were with learners then are handed out again: none is lost, none counts twice. There are as many shards
    as before.

    Args:
        path: the checkpoint.
        data: the training data of the run, any that `train` takes.
        learners: None: as many as before. Another number is another execution: a step that samples τ does so anew.
        min_learners: as for `train`.
        max_learners: as for `train`.
        workers_per_learner: that of the run, which is not kept in a checkpoint.
        within: likewise.
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
        server_options: as for `train`.

    Returns:
        The whole run, as if it had never been interrupted; `run.resumed` tells from where it was.

    Raises:
        FileNotFoundError, ValueError, TypeError, ImportError: as for `asap.resume`.
        RuntimeError, OSError, Exception: as for `train`.
    """
    saved = _checkpoint_file.read(Path(_checks.path("path", path)))
    in_flight = _checks.integer("in_flight", in_flight, 1)
    _checks.choice("transport", transport, TRANSPORTS)
    shards = 1 + len(saved.state.get("shards", ()))
    before = (learners, min_learners, max_learners) == (None, None, None)
    fewest, most = (0, 0) if before else _team(learners, min_learners, max_learners)
    config = changed(
        saved,
        limits=(epochs, updates, seconds),
        workers=None if before else most * in_flight,
        stop=stop,
        trace=trace,
        checkpoint=same_file(saved, path),
    )
    _checked_engine(config.engine)
    _checked_trace(config.trace, shards)
    if config.workers % in_flight:
        raise ValueError(f"in_flight must divide the workers of the run, {config.workers}; got {in_flight}")
    most = config.workers // in_flight
    model = Model(saved.architecture, saved.state["arrays"]["parameters"])
    cluster = Cluster(most, in_flight, transport, most if before else fewest, shards)
    place = Place(address, learner_options, server_options)
    within = _within(workers_per_learner, within)
    return _execute(model, data, config, within, cluster, place, validation, callbacks, progress, begin=saved)


def _checked_engine(engine: object) -> engines.Softsync | engines.Synchronous:
    if engine is None:
        return engines.Softsync()
    accepted = "None, asap.Softsync(n) or asap.Synchronous()"
    return _checks.instance("engine", engine, (engines.Softsync, engines.Synchronous), accepted)


@dataclass(frozen=True)
class Place:
    """Where the actors are to be.

    Attributes:
        address: of a cluster.
        learner_options: Ray's, of the user.
        server_options: likewise.
    """

    address: str | None
    learner_options: Mapping[str, Any] | None
    server_options: Mapping[str, Any] | None

    def for_learners(self, threads: int) -> dict[str, Any]:
        """Return all options of a learner."""
        return {"num_cpus": threads} | dict(self.learner_options or {})

    def for_servers(self, shards: int) -> dict[str, Any]:
        """Return all options of a server: one stays with this process, several are apart."""
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        where = here if shards == 1 else "SPREAD"
        return {"num_cpus": 0, "scheduling_strategy": where} | dict(self.server_options or {})


def _execute(
    model: Model,
    data: Data,
    config: TrainConfig,
    within: Within | None,
    cluster: Cluster,
    place: Place,
    validation: DataLike | None,
    callbacks: Callback | Sequence[Callback],
    progress: bool | None,
    begin: Saved | None,
) -> Run:
    training, tell = given(data, model, config, cluster.learners)
    if begin is not None:
        check_data(begin, training)
    threads = 1 if within is None else within.workers

    def conduct(subject: Subject) -> dict[str, Any]:
        connect(place.address, cluster.learners * threads)
        assignment = Assignment(
            model.architecture, tell(), config, within, cluster.shards, cluster.in_flight, cluster.transport
        )
        team = Team(cluster.min_learners * cluster.in_flight, cluster.min_learners < cluster.learners)
        samples, options = len(subject.training), place.for_servers(cluster.shards)
        servers = Servers(config, samples, subject.theta.copy(), cluster.shards, team, cluster.transport, options)
        crew = Crew(assignment, place.for_learners(threads), cluster)
        validate = None if subject.validation is None else _validate(model, subject.validation)
        state = None if begin is None else begin.state
        report = Driver(config, servers, crew, cluster, subject.observer, validate, state).run(subject.theta)
        if subject.trace is not None:
            subject.trace.write(report["records"].tobytes())
            subject.trace.flush()
        return report

    return execute(
        model,
        training,
        config,
        validation=validation,
        callbacks=callbacks,
        progress=progress,
        begin=begin,
        conduct=conduct,
        cluster=cluster,
    )


def _validate(model: Model, validation: _core.Dataset) -> Validate:
    def evaluate(theta: Any) -> tuple[float, int, int]:
        return model._network.evaluate(theta, validation, min(256, len(validation)))

    return evaluate
