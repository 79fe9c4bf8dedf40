"""The parameter server that leads: learners push gradients and get batches; the driver watches."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
from numpy.typing import NDArray

from asap import _core
from asap.config import TrainConfig
from asap.engines import Synchronous
from asap.ray._shard import Head, Read, Shard, Vector, _set_or_later
from asap.ray._slices import joined
from asap.ray._transport import Packed
from asap.staleness import StalenessDistribution

Task = tuple[Head | None, Read | None]
"""What a learner gets: a batch with what it is computed on, or that there is none left. Two objects of Ray's: the other
shards are asked with the first alone."""

NOTHING: Task = None, None


@dataclass(frozen=True)
class Team:
    """Whose gradients there are to be.

    Attributes:
        quorum: so many workers must have joined before anybody begins.
        is_elastic: whether the workers of the run are those that are present, or always `config.workers`.
    """

    quorum: int
    is_elastic: bool


class Server(Shard):
    """The first shard, or the only one; all methods run on one thread, one after the other.

    Args:
        config: as for any shard.
        samples: as for any shard.
        theta: as for any shard.
        resume: as for any shard.
        transport: as for any shard.
        others: the other shards.
        team: whose gradients there are to be.
    """

    leads = True

    def __init__(
        self,
        config: TrainConfig,
        samples: int,
        theta: Vector,
        resume: Mapping[str, Any] | None,
        transport: str,
        others: Sequence[Any],
        team: Team,
    ) -> None:
        super().__init__(config, samples, theta, resume, transport)
        self._works_in_rounds = isinstance(config.engine, Synchronous)
        self._others = others
        self._team = team
        self._present: set[int] = set()
        self._has_begun = False
        self._is_saving = False
        self._news = asyncio.Event()  # for the driver
        self._new_rows: list[Any] = []
        self._new_snapshots: list[Any] = []
        self._checkpoint: tuple[dict[str, Any], int] | None = None  # with the number of records before it
        self._num_told = 0  # records that the driver has
        self._within = _core.Distribution(np.zeros(0, np.uint64))

    # --- for learners

    @ray.method(num_returns=2)
    async def join(self, worker: int) -> Task:
        """Return the first task of a worker, when enough have come.

        What it had before goes to somebody else.
        """
        self._core.lose(worker)
        self._present.add(worker)
        self._has_begun |= len(self._present) >= self._team.quorum
        self._follow_team()
        while not (self._has_begun or self._core.is_over):
            await _set_or_later(self._changed)
        return await self._next_task(worker)

    @ray.method(num_returns=2)
    async def push(  # type: ignore[override]  # what it returns is the lead's business
        self,
        worker: int,
        batch: int,
        version: int,
        loss: float,
        packed: Packed,
        within: NDArray[np.uint64] | None,
        *others: bool,
    ) -> Task:
        """Take a gradient, unless it came before, and return the worker's next task, when there is one.

        `within`: counts of τ within the learner. `others`: whether the other shards have it; Ray waits for their
        answers before it calls this.
        """
        while self._is_between_rounds():
            await _set_or_later(self._changed)
        if not all(others):
            self._refused += 1
        elif self._take(worker, batch, version, loss, packed) and within is not None:
            self._within = StalenessDistribution._merge([self._within, _core.Distribution(within)])._core
        if self._core.is_checkpoint_due and not self._is_saving:
            await self._save()
        self._keep()
        return await self._next_task(worker)

    # --- for the driver

    async def lose(self, workers: list[int]) -> None:
        """Give the batches of workers who are no more to others."""
        self._present.difference_update(workers)
        await super().lose(workers)
        self._follow_team()

    async def watch(self) -> dict[str, Any]:  # type: ignore[override]
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
            "present": sorted(self._present),
            "rounds": self._core.rounds,
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

    async def last_checkpoint(self) -> dict[str, Any] | None:
        """Return what the run can go on from, now that it is over; None: it diverged."""
        state = self._core.checkpoint()
        return None if state is None else await self._with_others(state, is_last=True)

    async def finish(self, rounds: int | None = None) -> dict[str, Any]:
        """End the run: its report, with the parameters, the trace, and what happened on the way here."""
        self._keep()
        report = await super().finish(self._core.rounds)
        self._keep()  # the last row
        return report | {
            "records": self._core.records(self._num_told),
            "rows": self._new_rows,
            "snapshots": self._new_snapshots,
            "rounds": self._core.rounds,
            "within": self._within.counts,
        }

    # --- its own

    async def _next_task(self, worker: int) -> Task:
        """Wait until there is one, or the run is over."""
        while (batch := self._take_batch(worker)) is None:
            if self._core.is_over:
                self._notify()
                return NOTHING
            await _set_or_later(self._changed)  # limits in seconds are reached without anybody doing anything
        return (batch, self._core.rounds), self._read()

    def _take_batch(self, worker: int) -> int | None:
        return None if self._is_between_rounds() else self._core.take(worker)

    def _is_between_rounds(self) -> bool:
        """Whether all has to wait, since all shards are being saved, which must be between the same rounds."""
        return self._is_saving and self._works_in_rounds

    async def _save(self) -> None:
        """Make a checkpoint of all shards: what the others have a little later is at least what is here now."""
        if (state := self._core.checkpoint()) is None:
            return
        num_records = self._core.num_records
        self._is_saving = True
        try:
            if (whole := await self._with_others(state, is_last=False)) is not None:
                self._checkpoint = whole, num_records
        except ray.exceptions.RayActorError:
            pass  # another shard is lost: the driver sees it, too, and goes back to the checkpoint before
        finally:
            self._is_saving = False
            self._notify()

    async def _with_others(self, state: dict[str, Any], is_last: bool) -> dict[str, Any] | None:
        rounds = self._core.rounds
        states = await asyncio.gather(*(other.checkpoint.remote(rounds, is_last) for other in self._others))
        return None if None in states else joined([state, *states])

    def _follow_team(self) -> None:
        """Tell all shards how many workers there are. A round has as many batches as ever, whoever computes them."""
        workers = len(self._present)
        changes = self._has_begun and workers not in (0, self._core.workers)
        if self._team.is_elastic and changes and not self._works_in_rounds:
            self._core.resize(workers)
            for other in self._others:
                other.resize.remote(workers)
        self._news.set()
        self._notify()

    def _keep(self) -> None:
        self._new_rows += self._core.take_rows()
        self._new_snapshots += self._core.take_snapshots()
        self._notify()

    def _notify(self) -> None:
        """Wake who waits: workers for a batch, and the driver, where there is something for it."""
        super()._notify()
        if self._new_rows or self._new_snapshots or self._checkpoint or self._core.is_over:
            self._news.set()

    def _take_news(self) -> dict[str, Any]:
        news: dict[str, Any] = {"rows": self._new_rows, "snapshots": self._new_snapshots}
        news |= {"checkpoint": None, "records": None}
        if self._checkpoint is not None:
            news["checkpoint"], num_records = self._checkpoint
            news["records"] = self._core.records(self._num_told)[: num_records - self._num_told]
            self._num_told = num_records
        self._new_rows, self._new_snapshots, self._checkpoint = [], [], None
        return news
