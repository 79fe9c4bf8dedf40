"""The driver of a distributed run: starts its actors, replaces those that die, and tells the observer what goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from asap import _core
from asap.callbacks import Observer
from asap.cluster import Cluster
from asap.config import TrainConfig
from asap.history import History
from asap.ray._learner import DONE, Assignment, Learner
from asap.ray._server import Server
from asap.staleness import StalenessDistribution

MAX_FAILURES = 3
"""Failures in a row, without a gradient between, after which a learner is given up and the run ends."""

POLL_SECONDS = 0.1
ENDING_SECONDS = 5.0  # for learners to see that the run is over

Validate = Callable[[NDArray[np.float32]], tuple[float, int, int]]


@dataclass(frozen=True)
class Setting:
    """What all actors of a run are made from.

    Attributes:
        assignment: what learners are made from.
        samples: number of samples in the training data.
        learner_options: Ray's options for learners.
        server_options: Ray's options for the server.
    """

    assignment: Assignment
    samples: int
    learner_options: Mapping[str, Any]
    server_options: Mapping[str, Any]

    @property
    def config(self) -> TrainConfig:
        """The settings of the run."""
        return self.assignment.config


@dataclass
class _Seat:
    """The place of a learner, whoever takes it."""

    number: int
    actor: Any = None
    failures: int = 0
    gradients: int = -1  # of the whole run, at the last failure


class Live:
    """The run as callbacks see it; what is not told with every look at the server is asked for."""

    def __init__(self, server: Any, status: Mapping[str, Any]) -> None:
        self.epoch: float = status["epoch"]
        self.counts: dict[str, Any] = status["counts"]
        self.seconds: float = status["seconds"]
        self._server = server

    @property
    def staleness(self) -> _core.Distribution:
        """The staleness so far."""
        return _core.Distribution(*ray.get(self._server.staleness.remote()))

    def snapshot(self) -> tuple[NDArray[np.float32], int]:
        """Return a copy of the current parameters, and their version as far as known."""
        return np.array(ray.get(self._server.parameters.remote())), int(self.counts["published"])

    def request_stop(self, status: str = "stopped") -> None:
        """End the run."""
        ray.get(self._server.stop.remote(status))


def _cause(error: ray.exceptions.RayTaskError) -> Exception:
    """Return what was raised in an actor, as it was there."""
    return error.cause if isinstance(error.cause, Exception) else error


class Driver:
    """One run on a cluster.

    Args:
        setting: what actors are made from.
        cluster: what happens is counted there.
        observer: who is told of rows, snapshots and checkpoints.
        validate: evaluates parameters: sum of losses, hits, samples.
        resume: the state of a checkpoint to go on from.
    """

    def __init__(
        self,
        setting: Setting,
        cluster: Cluster,
        observer: Observer,
        validate: Validate | None,
        resume: Mapping[str, Any] | None,
    ) -> None:
        self._setting = setting
        self._cluster = cluster
        self._observer = observer
        self._validate = validate
        self._state = resume  # where a server that dies is restored from
        self._seats = [_Seat(number) for number in range(cluster.learners)]
        self._working: dict[Any, _Seat] = {}
        self._server: Any = None
        self._server_failures, self._published_before = 0, -1
        self._published = 0
        self._records: list[NDArray[np.void]] = []  # of the trace, up to that state
        self._rows = 0 if resume is None else len(_core.checkpoint_history({**resume}))

    def run(self, theta: NDArray[np.float32]) -> dict[str, Any]:
        """Train from theta to the end, and return the report of the server, as the core makes it."""
        self._start = theta.copy()
        try:
            self._start_server()
            for seat in self._seats:
                self._seat(seat)
            return self._report(self._conduct(), theta)
        except BaseException:
            self._keep_parameters(theta)
            raise
        finally:
            self._end()

    # --- the actors

    @cached_property
    def _learner_class(self) -> Any:
        return ray.remote(Learner).options(**self._setting.learner_options)

    @cached_property
    def _server_class(self) -> Any:
        return ray.remote(Server).options(**self._setting.server_options)

    def _start_server(self) -> None:
        self._server = self._server_class.remote(
            self._setting.config,
            self._setting.samples,
            self._start,
            self._setting.config.workers,
            self._state,
            self._cluster.transport,
        )
        self._watch = self._server.watch.remote()

    def _seat(self, seat: _Seat) -> None:
        """Put a new learner into the place."""
        seat.actor = self._learner_class.remote(self._setting.assignment)
        self._set_to_work(seat)

    def _set_to_work(self, seat: _Seat) -> None:
        self._working[seat.actor.work.remote(self._server, self._workers(seat)[0])] = seat

    def _workers(self, seat: _Seat) -> list[int]:
        first = seat.number * self._cluster.in_flight
        return list(range(first, first + self._cluster.in_flight))

    # --- the run

    def _conduct(self) -> dict[str, Any]:
        """Look after all until the run is over, and return the server's last word."""
        while True:
            try:
                status = self._look()
                if status is not None and self._handle(status):
                    return self._finish()
            except ray.exceptions.RayActorError as error:
                self._restore(error)
            except ray.exceptions.RayTaskError as error:  # of the server: what a policy raised there
                raise _cause(error) from None
            except KeyboardInterrupt:
                self._stop("interrupted")

    def _look(self) -> dict[str, Any] | None:
        """Wait until there is something to look at; return what the server told, if it did."""
        ready, _ = ray.wait([self._watch, *self._working], num_returns=1, timeout=POLL_SECONDS)
        for reference in ready:
            if reference is self._watch:
                status: dict[str, Any] = ray.get(self._watch)
                self._watch = self._server.watch.remote()
                return status
            self._settle(self._working.pop(reference), reference)
        return None

    def _settle(self, seat: _Seat, reference: Any) -> None:
        """A learner has stopped working: it is done, died, failed, or found no server."""
        try:
            if ray.get(reference) == DONE:
                return
        except ray.exceptions.RayActorError as error:
            self._cluster.learner_deaths += 1
            self._count_failure(seat, error)
            self._server.lose.remote(self._workers(seat))
            self._seat(seat)
            return
        except ray.exceptions.RayTaskError as error:
            self._cluster.learner_errors += 1
            self._count_failure(seat, _cause(error))
        self._set_to_work(seat)

    def _count_failure(self, seat: _Seat, error: Exception) -> None:
        """Give up when the run gets nowhere: when there was no update since the learner failed last."""
        seat.failures = seat.failures + 1 if seat.gradients == self._published else 1
        seat.gradients = self._published
        if seat.failures > MAX_FAILURES:
            raise RuntimeError(
                f"learner {seat.number} failed {seat.failures} times in a row, and the run does not get on"
            ) from error

    def _handle(self, status: Mapping[str, Any]) -> bool:
        """Tell the observer what is new; return whether the run is over."""
        self._published = status["counts"]["published"]
        live = Live(self._server, status)
        for record, theta in status["rows"]:
            if (metrics := self._add_row(record, theta, live)) is not None:
                ray.get(self._server.set_validation.remote(self._rows - 1, *metrics))
        for snapshot in status["snapshots"]:
            self._observer.on_snapshot(*snapshot)
        if status["checkpoint"] is not None:
            self._records.append(np.array(status["records"]))
            self._save(status["checkpoint"])
        self._observer.on_tick(live)  # type: ignore[arg-type]  # it has all that is asked of one
        return bool(status["over"])

    def _add_row(self, record: dict[str, Any], theta: NDArray[np.float32], live: Live) -> tuple[float, int, int] | None:
        """Tell the observer of a row, validated here, and return the validation for the server to keep."""
        metrics = None if self._validate is None else self._validate(theta)
        if metrics is not None:
            loss_sum, correct, samples = metrics
            record["validation"] = (loss_sum / samples, correct / samples, samples)
        self._rows += 1
        self._observer.on_epoch(record, live)  # type: ignore[arg-type]
        return metrics

    def _save(self, state: Mapping[str, Any]) -> None:
        self._state = state
        self._observer.on_checkpoint({**state})

    def _stop(self, status: str) -> None:
        ray.get(self._server.stop.remote(status))

    def _restore(self, error: Exception) -> None:
        """The server died: another one goes on from the last checkpoint."""
        if self._setting.config.checkpoint is None:
            raise RuntimeError(
                "the parameter server died, and there is no checkpoint to restore it from; "
                'give checkpoint=asap.Checkpoint("run.checkpoint")'
            ) from error
        self._server_failures = self._server_failures + 1 if self._published == self._published_before else 1
        self._published_before = self._published
        if self._server_failures > MAX_FAILURES:
            raise RuntimeError(f"the parameter server died {self._server_failures} times without an update") from error
        before = 0 if self._state is None else self._state["version"]
        self._cluster.server_restarts += 1
        self._cluster.updates_lost += max(0, self._published - before)
        self._rows = 0 if self._state is None else len(_core.checkpoint_history({**self._state}))
        self._observer.history = History(self._observer.history[: self._rows])
        self._start_server()

    def _finish(self) -> dict[str, Any]:
        """The last checkpoint, rows and report."""
        if self._setting.config.checkpoint is not None:
            state = ray.get(self._server.checkpoint.remote())
            if state is not None:
                self._save(state)
        report: dict[str, Any] = ray.get(self._server.finish.remote())
        live = Live(self._server, {"epoch": 0.0, "counts": report["counts"], "seconds": report["seconds"]})
        for record, theta in report["rows"]:
            self._add_row(record, theta, live)
            report["history"][self._rows - 1]["validation"] = record["validation"]
        for snapshot in report["snapshots"]:
            self._observer.on_snapshot(*snapshot)
        return report

    def _report(self, report: dict[str, Any], theta: NDArray[np.float32]) -> dict[str, Any]:
        """Return it with the objects that cannot travel."""
        theta[:] = report["theta"]
        report["records"] = np.concatenate([*self._records, report["records"]])
        if self._setting.config.trace:
            report["trace"] = (len(report["records"]), 0)
        self._cluster.bytes = report["bytes"]
        self._cluster.within = StalenessDistribution(report["within"])
        self._cluster.gradients_refused = report["repeated"]
        for name in ("staleness", "rejections"):
            report[name] = [_core.Distribution(*each) for each in report[name]]
        report["tables"] = [(update, entries, _core.Distribution(*seen)) for update, entries, seen in report["tables"]]
        return report

    def _keep_parameters(self, theta: NDArray[np.float32]) -> None:
        """After a failure: what was learnt, if the server is still there to tell."""
        with suppress(ray.exceptions.RayError):  # the failure counts
            theta[:] = ray.get(self._server.finish.remote(), timeout=ENDING_SECONDS)["theta"]

    def _end(self) -> None:
        """Let no actor of this run outlive it."""
        if self._working:
            ray.wait(list(self._working), num_returns=len(self._working), timeout=ENDING_SECONDS)
        for actor in (self._server, *(seat.actor for seat in self._seats)):
            if actor is not None:
                ray.kill(actor)
