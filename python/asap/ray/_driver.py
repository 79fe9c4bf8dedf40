"""The driver of a distributed run: looks after its servers and learners, and tells the observer what goes on."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from asap import _core
from asap.callbacks import Observer
from asap.cluster import Cluster
from asap.config import TrainConfig
from asap.ray._crew import MAX_FAILURES, Crew, cause_of
from asap.ray._servers import Servers
from asap.staleness import StalenessDistribution

POLL_SECONDS = 0.1
WAITING_SECONDS = 30.0  # for learners to come, before somebody is told that they do not

Validate = Callable[[NDArray[np.float32]], tuple[float, int, int]]


class Live:
    """The run as callbacks see it; what is not told with every look at the servers is asked for."""

    def __init__(self, servers: Servers, status: Mapping[str, Any], stop: Callable[[str], None]) -> None:
        self.epoch: float = status["epoch"]
        self.counts: dict[str, Any] = status["counts"]
        self.seconds: float = status["seconds"]
        self._servers, self._rounds, self._stop = servers, status["rounds"], stop

    @property
    def staleness(self) -> _core.Distribution:
        """The staleness so far."""
        return _core.Distribution(*ray.get(self._servers.handles.lead.staleness.remote()))

    def snapshot(self) -> tuple[NDArray[np.float32], int]:
        """Return a copy of the current parameters, and their version as far as known."""
        return self._servers.parameters(self._rounds), int(self.counts["published"])

    def request_stop(self, status: str = "stopped") -> None:
        """End the run."""
        self._stop(status)


class Driver:
    """One run on a cluster.

    Args:
        config: the settings of the run.
        servers: the parameter server, not yet started.
        crew: the learners, not yet started.
        cluster: what happens is counted there.
        observer: who is told of rows, snapshots and checkpoints.
        validate: evaluates parameters: sum of losses, hits, samples.
        resume: the state of a checkpoint to go on from.
    """

    def __init__(
        self,
        config: TrainConfig,
        servers: Servers,
        crew: Crew,
        cluster: Cluster,
        observer: Observer,
        validate: Validate | None,
        resume: Mapping[str, Any] | None,
    ) -> None:
        self._config = config
        self._servers = servers
        self._crew = crew
        self._cluster = cluster
        self._observer = observer
        self._validate = validate
        self._state = resume  # where servers that die are restored from
        self._watches: dict[Any, bool] = {}  # of the servers; whether that one leads
        self._server_failures, self._published_before = 0, -1
        self._published = 0
        self._stopped: str | None = None  # by whom it was to end, for servers that are restored then
        self._present: Sequence[int] = ()
        self._rounds = 0  # that the lead has ended since it was made
        self._records: list[NDArray[np.void]] = []  # of the trace, up to that state
        self._rows = _num_rows(resume)
        self._waiting_since: float | None = time.monotonic()

    def run(self, theta: NDArray[np.float32]) -> dict[str, Any]:
        """Train from theta to the end, and return the report of the servers, as the core makes it."""
        try:
            self._start_servers()
            self._crew.start(self._servers)
            return self._report(self._conduct(), theta)
        except BaseException:
            self._servers.keep_parameters(theta, self._rounds)
            raise
        finally:
            self._crew.end(self._present)
            self._servers.kill()

    def _start_servers(self) -> None:
        self._servers.start(self._state)
        self._rounds = 0
        lead, *others = self._servers.tell("watch")
        self._watches = {lead: True} | dict.fromkeys(others, False)
        if self._stopped is not None:
            self._servers.handles.lead.stop.remote(self._stopped)

    def _conduct(self) -> list[dict[str, Any]]:
        """Look after all until the run is over, and return the last word of each server."""
        while True:
            try:
                status = self._look()
                if status is not None and self._handle(status):
                    return self._finish()
            except ray.exceptions.RayActorError as error:
                self._restore(error)
            except ray.exceptions.RayTaskError as error:  # of a server: what a policy raised there
                raise cause_of(error) from None
            except KeyboardInterrupt:
                self._stop("interrupted")

    def _look(self) -> dict[str, Any] | None:
        """Wait until there is something to look at; return what the lead told, if it did."""
        ready, _ = ray.wait([*self._watches, *self._crew.working], num_returns=1, timeout=POLL_SECONDS)
        for reference in ready:
            if reference not in self._watches:
                self._crew.settle(reference, self._servers, self._published)
                continue
            told: Any = ray.get(reference)
            if self._watches.pop(reference):
                self._watches[self._servers.handles.lead.watch.remote()] = True
                status: dict[str, Any] = told
                return status
            if told:  # another shard diverged
                self._stop("stopped")
        return None

    def _stop(self, status: str) -> None:
        self._stopped = status
        ray.get(self._servers.handles.lead.stop.remote(status))

    def _handle(self, status: Mapping[str, Any]) -> bool:
        """Tell the observer what is new; return whether the run is over."""
        self._published, self._rounds = status["counts"]["published"], status["rounds"]
        self._follow_team(status["present"])
        live = Live(self._servers, status, self._stop)
        for record, theta in status["rows"]:
            if (metrics := self._add_row(record, theta, live)) is not None:
                ray.get(self._servers.handles.lead.set_validation.remote(self._rows - 1, *metrics))
        self._add_snapshots(status["snapshots"])
        if status["checkpoint"] is not None:
            self._records.append(np.array(status["records"]))
            self._save(status["checkpoint"])
        self._observer.on_tick(live)  # type: ignore[arg-type]  # it has all that is asked of one
        return bool(status["over"])

    def _follow_team(self, present: Sequence[int]) -> None:
        learners = self._crew.learners(present)
        if self._crew.learners(self._present) != learners:
            self._cluster.team.append((self._published, learners))
        self._present = present
        if self._published or learners >= self._cluster.min_learners:
            self._waiting_since = None
        elif self._waiting_since is not None and time.monotonic() - self._waiting_since > WAITING_SECONDS:
            self._waiting_since = None
            warnings.warn(
                f"{learners} of at least {self._cluster.min_learners} learners have come so far; the cluster may have "
                f"no room for more: see learner_options, and `ray status`",
                RuntimeWarning,
                stacklevel=2,
            )

    def _add_row(self, record: dict[str, Any], theta: NDArray[np.float32], live: Live) -> tuple[float, int, int] | None:
        """Tell the observer of a row, validated here, and return the validation for the server to keep."""
        theta = self._servers.whole(theta, "row", self._rows, self._rounds)
        metrics = None if self._validate is None else self._validate(theta)
        if metrics is not None:
            loss_sum, correct, samples = metrics
            record["validation"] = (loss_sum / samples, correct / samples, samples)
        self._rows += 1
        self._observer.on_epoch(record, live)  # type: ignore[arg-type]
        return metrics

    def _add_snapshots(self, snapshots: Sequence[Any]) -> None:
        for theta, version, epoch, seconds in snapshots:
            whole = self._servers.whole(theta, "snapshot", version, self._rounds)
            self._observer.on_snapshot(whole, version, epoch, seconds)

    def _save(self, state: Mapping[str, Any]) -> None:
        self._state = state
        self._observer.on_checkpoint({**state})

    def _restore(self, error: Exception) -> None:
        """A server died: all go on from the last checkpoint."""
        if self._config.checkpoint is None:
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
        self._rows = _num_rows(self._state)
        self._observer.go_back(self._rows, before)
        self._start_servers()
        self._crew.go_on(self._servers)

    def _finish(self) -> list[dict[str, Any]]:
        """The last checkpoint, rows and snapshots, and the reports."""
        lead, others = self._servers.handles
        if self._config.checkpoint is not None:
            state = ray.get(lead.last_checkpoint.remote())
            if state is not None:
                self._save(state)
        report: dict[str, Any] = ray.get(lead.finish.remote())
        self._rounds = report["rounds"]
        live = Live(self._servers, report | {"epoch": 0.0}, self._stop)
        for record, theta in report["rows"]:
            self._add_row(record, theta, live)
            report["history"][self._rows - 1]["validation"] = record["validation"]
        self._add_snapshots(report["snapshots"])
        return [report, *ray.get([other.finish.remote(self._rounds) for other in others])]

    def _report(self, reports: Sequence[dict[str, Any]], theta: NDArray[np.float32]) -> dict[str, Any]:
        """Return the lead's, with the objects that cannot travel."""
        report = reports[0]
        theta[:] = np.concatenate([each["theta"] for each in reports])
        report["records"] = np.concatenate([*self._records, report["records"]])
        if self._config.trace:
            report["trace"] = (len(report["records"]), 0)
        if any(each["status"] == "diverged" for each in reports):
            report["status"] = "diverged"
        self._cluster.bytes = sum(each["bytes"] for each in reports)
        self._cluster.within = StalenessDistribution(report["within"])
        self._cluster.gradients_refused = report["refused"]
        for each in reports:
            for name in ("staleness", "rejections"):
                each[name] = [_core.Distribution(*distribution) for distribution in each[name]]
        self._cluster.shard_staleness = [StalenessDistribution._merge(each["staleness"]) for each in reports]
        report["tables"] = [(update, entries, _core.Distribution(*seen)) for update, entries, seen in report["tables"]]
        return report


def _num_rows(state: Mapping[str, Any] | None) -> int:
    return 0 if state is None else len(_core.checkpoint_history({**state}))
