"""The parameter server: an actor around the native one. Learners push gradients and get batches; the driver watches."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asap import _core
from asap.config import TrainConfig
from asap.ray._transport import Packed, Transport
from asap.staleness import StalenessDistribution

Task = tuple[int, int, Packed]
"""What a learner gets: a batch, the version of the parameters, and these as they travel."""

PATIENCE = 0.25
"""Seconds after which the driver hears something, whatever happens."""


class Server:
    """The native server of a run; all methods run on one thread, one after the other.

    Args:
        config: the settings of the run; `workers` is how many gradients may be under way.
        samples: number of samples in the training data.
        theta: the parameters to begin with.
        most_workers: at any time.
        resume: the state of a checkpoint to go on from.
        transport: what travels.
    """

    def __init__(
        self,
        config: TrainConfig,
        samples: int,
        theta: NDArray[np.float32],
        most_workers: int,
        resume: Mapping[str, Any] | None,
        transport: str,
    ) -> None:
        self._core = _core.ParameterServer(
            samples,
            theta,
            config._to_core(samples),
            most_workers=most_workers,
            resume=None if resume is None else _own(resume),
            trace=config.trace,
        )
        self._gradients, self._parameters = (Transport(transport, len(theta)) for _ in range(2))
        self._packed: tuple[int, Packed] | None = None  # the latest version as it travels
        self._rows: list[Any] = []
        self._snapshots: list[Any] = []
        self._checkpoint: tuple[dict[str, Any], int] | None = None  # with the number of records before it
        self._num_told = 0  # records that the driver has
        self._absent = set(range(config.workers))  # until all have come, nobody begins
        self._changed, self._news = asyncio.Event(), asyncio.Event()  # for workers, for the driver
        self._failure: Exception | None = None
        self._bytes = 0
        self._repeated = 0
        self._within = _core.Distribution(np.zeros(0, np.uint64))

    async def join(self, worker: int) -> Task | None:
        """Return the first task of a worker, when all have come; None when the run is over.

        What it had before goes to somebody else.
        """
        self._core.lose(worker)
        self._absent.discard(worker)
        self._notify()
        while self._absent and not self._core.is_over:
            await _set_or_later(self._changed)
        return await self._next_task(worker)

    async def push(
        self,
        worker: int,
        batch: int,
        version: int,
        loss: float,
        packed: Packed,
        within: NDArray[np.uint64] | None,
    ) -> Task | None:
        """Take a gradient, unless it came before, and return the worker's next task, when there is one.

        `within`: counts of τ within the learner.
        """
        self._bytes += packed.nbytes
        gradient = self._gradients.unpack(packed)
        try:
            taken = self._core.receive(batch=batch, worker=worker, read=version, loss=loss, gradient=gradient)
        except Exception as error:  # of a policy: the driver's, not this learner's
            self._failure = error
            self._core.request_stop()
            taken = False
        self._repeated += not taken and not self._core.is_over
        if taken and within is not None:
            self._within = StalenessDistribution._merge([self._within, _core.Distribution(within)])._core
        if self._core.is_checkpoint_due:
            self._make_checkpoint()
        self._rows += self._core.take_rows()
        self._snapshots += self._core.take_snapshots()
        self._notify()
        return await self._next_task(worker)

    async def lose(self, workers: list[int]) -> None:
        """Give the batches of workers who are no more to others."""
        for worker in workers:
            self._core.lose(worker)
        self._notify()

    async def resize(self, workers: int) -> None:
        """Go on with another number of workers."""
        self._core.resize(workers)
        self._notify()

    async def stop(self, status: str) -> None:
        """End the run."""
        self._core.request_stop(status)
        self._notify()

    async def watch(self) -> dict[str, Any]:
        """Return how far the run is, and what the driver has not seen: rows, snapshots, a checkpoint.

        Raises:
            Exception: what a policy raised, which ended the run.
        """
        await _set_or_later(self._news)
        self._news.clear()
        if self._failure is not None:
            raise self._failure
        return self._take_news() | {
            "over": self._core.is_over,
            "counts": self._core.counts,
            "epoch": self._core.epoch,
            "seconds": self._core.seconds,
        }

    async def set_validation(self, row: int, loss_sum: float, correct: int, samples: int) -> None:
        """Keep the validation of a row, for checkpoints and the report."""
        self._core.set_validation(row, loss_sum, correct, samples)

    async def staleness(self) -> tuple[NDArray[np.uint64], int]:
        """Return the counts of τ so far, and their sum."""
        staleness = self._core.staleness
        return staleness.counts, staleness.tau_sum

    async def parameters(self) -> NDArray[np.float32]:
        """Return a copy of the current parameters."""
        return self._core.parameters.copy()

    async def checkpoint(self) -> dict[str, Any] | None:
        """Return what the run can go on from, now that it is over."""
        return self._core.checkpoint()

    async def finish(self) -> dict[str, Any]:
        """End the run: its report, with the parameters, the trace, and what happened on the way here."""
        report, theta = self._core.finish()
        histograms = {
            name: [(each.counts, each.tau_sum) for each in report[name]] for name in ("staleness", "rejections")
        }
        tables = [(update, entries, (seen.counts, seen.tau_sum)) for update, entries, seen in report["tables"]]
        return (
            report
            | histograms
            | {
                "tables": tables,
                "theta": theta,
                "records": self._core.records(self._num_told),
                "rows": self._rows + self._core.take_rows(),
                "snapshots": self._snapshots + self._core.take_snapshots(),
                "bytes": self._bytes,
                "within": self._within.counts,
                "repeated": self._repeated,
            }
        )

    async def _next_task(self, worker: int) -> Task | None:
        """Wait until there is one, or the run is over."""
        while (batch := self._core.take(worker)) is None:
            if self._core.is_over:
                self._notify()
                return None
            await _set_or_later(self._changed)  # limits in seconds are reached without anybody doing anything
        version = self._core.version
        if self._packed is None or self._packed[0] != version:
            self._packed = version, self._parameters.pack(self._core.parameters).copy()
        self._bytes += self._packed[1].nbytes
        return batch, version, self._packed[1]

    def _notify(self) -> None:
        """Wake who waits: workers for a batch, and the driver, where there is something for it."""
        self._changed.set()
        self._changed = asyncio.Event()
        if self._rows or self._snapshots or self._checkpoint or self._core.is_over:
            self._news.set()

    def _take_news(self) -> dict[str, Any]:
        news: dict[str, Any] = {"rows": self._rows, "snapshots": self._snapshots, "checkpoint": None, "records": None}
        if self._checkpoint is not None:
            news["checkpoint"], num_records = self._checkpoint
            news["records"] = self._core.records(self._num_told)[: num_records - self._num_told]
            self._num_told = num_records
        self._rows, self._snapshots, self._checkpoint = [], [], None
        return news

    def _make_checkpoint(self) -> None:
        if (state := self._core.checkpoint()) is not None:
            self._checkpoint = state, self._core.num_records


async def _set_or_later(event: asyncio.Event) -> None:
    """Wait for an event, or for a while."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(event.wait(), PATIENCE)


def _own(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state whose arrays may be written to, which those from the object store may not."""
    return {**state, "arrays": {name: array.copy() for name, array in state["arrays"].items()}}
