"""What a run shows while it goes on: the state handed to callbacks, and the observer that the core calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap import _core
from asap._notes import add_note
from asap._snapshots import Moment, SnapshotFile
from asap.history import History, Row, row_of
from asap.progress import Progress
from asap.staleness import StalenessDistribution
from asap.stops import StopRule

__all__ = ["Callback", "RunState"]

TICK_SECONDS = 0.5


class RunState:
    """The live state of a run, valid only during the callback that it is handed to.

    Attributes:
        event: "epoch" after each row of the history, "tick" about twice a second between.
        epoch: epochs of data worked on so far, a fraction within an epoch.
        updates: updates published so far.
        seconds: since the workers started.
        history: the rows so far.
    """

    def __init__(self, event: str, history: History, live: _core.LiveRun) -> None:
        self.event = event
        self.history = history
        self.epoch = live.epoch
        self.updates = int(live.counts["published"])
        self.seconds = live.seconds
        self._live = live

    @property
    def staleness(self) -> StalenessDistribution:
        """The staleness distribution so far, over all workers."""
        return StalenessDistribution._wrap(self._live.staleness)

    def parameters(self) -> NDArray[np.float32]:
        """Return a copy of the current parameters; does not stall the workers."""
        return self._live.snapshot()[0]

    def stop(self) -> None:
        """End the run: every worker ends after its current update; the run's status is "stopped"."""
        self._live.request_stop()

    def __repr__(self) -> str:
        return f"RunState({self.event}: epoch {self.epoch:.2f}, {self.updates:,} updates, {self.seconds:.1f} s)"


Callback = Callable[[RunState], object]
"""A function of the live state; what it returns is ignored."""


class Observer:
    """Carries what the core reports to history, progress, stop rules and callbacks; all on the calling thread.

    Ctrl-C within any of them ends the run as it does between them: the core takes the KeyboardInterrupt.
    """

    def __init__(
        self,
        progress: Progress,
        stop: Sequence[StopRule],
        callbacks: Sequence[Callback],
        has_classes: bool,
        write: Callable[[Mapping[str, Any]], None] | None,
        snapshots: SnapshotFile | None,
        rows: Sequence[Row],
    ) -> None:
        self.history = History(rows)
        self.failure: str | None = None
        self._progress = progress
        self._stop = stop
        self._callbacks = callbacks
        self._has_classes = has_classes
        self._write = write
        self._snapshots = snapshots
        self._next_tick = time.monotonic() + TICK_SECONDS

    def on_epoch(self, record: dict[str, Any], live: _core.LiveRun) -> None:
        """Take a new row of the history."""
        row = row_of(record, self._has_classes)
        self.history._append(row)
        self._progress.epoch(row)
        self._call("epoch", live)
        if any(rule.reached(self.history) for rule in self._stop):
            live.request_stop()

    def on_tick(self, live: _core.LiveRun) -> None:
        """Look at the clock; the core calls this about every 50 ms."""
        if time.monotonic() < self._next_tick:
            return
        self._next_tick = time.monotonic() + TICK_SECONDS
        self._progress.tick(int(live.counts["published"]))
        self._call("tick", live)

    def on_checkpoint(self, state: dict[str, Any]) -> None:
        """Write a checkpoint."""
        if self._write is not None:
            self._write(state)

    def go_back(self, rows: int, version: int) -> None:
        """Forget what came after so many rows, and after that update: it was lost, and will be done again."""
        self.history = History(self.history[:rows])
        if self._snapshots is not None:
            self._snapshots.forget(after=version)

    def on_snapshot(self, theta: NDArray[np.float32], version: int, epoch: float, seconds: float) -> None:
        """Keep a snapshot."""
        if self._snapshots is not None:
            self._snapshots.add(theta, Moment(version, epoch, seconds))

    def on_failure(self, at: _core.Failure) -> None:
        """Take down where the run failed; the exception itself is on its way to the caller."""
        if at.worker is None:
            self.failure = f"asap: on the calling thread, after {at.updates} updates"
        elif at.batch is None:
            self.failure = f"asap: in worker {at.worker}, before its first batch"
        else:
            seen = f"on parameters of update {at.read} (τ = {at.tau} by then)"
            self.failure = f"asap: in worker {at.worker}, batch {at.batch}, {seen}"

    def explain(self, error: BaseException) -> None:
        """Add to an exception of the run where it came from."""
        if self.failure is not None:
            add_note(error, self.failure)

    def _call(self, event: str, live: _core.LiveRun) -> None:
        for callback in self._callbacks:
            callback(RunState(event, self.history, live))
