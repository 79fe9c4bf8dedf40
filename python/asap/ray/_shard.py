"""The server of a slice of the parameters: an actor around the native one, which follows the one that leads."""

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

Vector = NDArray[np.float32]

Head = tuple[int, int]
"""What the lead hands out: a batch, and how many rounds it had ended then."""

Read = tuple[int, Packed]
"""What a learner reads of a shard: the version, and the parameters as they travel."""

PATIENCE = 0.25
"""Seconds after which whoever waits looks again, whatever happens."""

ENDLESS = {"updates": None, "seconds": 1e9}
"""Instead of the limits of a run, which the lead knows: a shard that ended by itself would lack what the lead has."""


class Shard:
    """The native server of a slice; all methods run on one thread, one after the other.

    Gradients come here before they come to the lead, so that whatever the lead has, all have: a batch that it hands
    out again, after a learner was lost or from a checkpoint, is refused where it came before. In rounds a shard is
    never ahead of the lead, either: it ends its round when it hears that the lead's has ended.

    Args:
        config: the settings of the run; `workers` is how many gradients may be under way.
        samples: number of samples in the training data.
        theta: the slice to begin with.
        resume: the state of a checkpoint of this shard to go on from.
        transport: what travels.
    """

    leads = False

    def __init__(
        self, config: TrainConfig, samples: int, theta: Vector, resume: Mapping[str, Any] | None, transport: str
    ) -> None:
        before = None if resume is None else _own(resume)
        self._core = _core.ParameterServer(
            samples,
            theta,
            config._to_core(samples, **({} if self.leads else ENDLESS)),
            most_workers=config.workers,
            resume=before,
            trace=config.trace,
            leads=self.leads,
        )
        self._gradients, self._parameters = (Transport(transport, len(theta)) for _ in range(2))
        self._packed: tuple[int, Packed] | None = None  # the latest version as it travels
        self._changed = asyncio.Event()
        self._failure: Exception | None = None
        self._bytes = 0
        self._refused = 0
        self._num_rows = 0 if before is None else len(_core.checkpoint_history(before))
        self._rows: dict[int, Vector] = {}  # slices of rows and snapshots, until the driver comes for them
        self._snapshots: dict[int, Vector] = {}

    # --- for learners

    async def pull(self, worker: int, head: Head | None) -> Read | None:
        """Return the parameters for a batch that the lead handed out; None when it did not."""
        if head is None:
            return None
        batch, rounds = head
        self._core.follow(rounds)
        self._core.hold(worker, batch)
        return self._read()

    async def push(self, worker: int, batch: int, version: int, loss: float, packed: Packed) -> bool:
        """Take a gradient; return whether the lead may have it, too: when it came, now or before."""
        self._take(worker, batch, version, loss, packed)
        self._keep()
        return self._core.has(batch) or self._core.is_over

    # --- for the lead and the driver, which tell how many rounds the lead has ended

    async def lose(self, workers: list[int]) -> None:
        """Refuse what still comes of workers who are no more."""
        for worker in workers:
            self._core.lose(worker)
        self._notify()

    async def resize(self, workers: int) -> None:
        """Go on with another number of workers."""
        self._core.resize(workers)

    async def stop(self, status: str) -> None:
        """End the run."""
        self._core.request_stop(status)
        self._notify()

    async def watch(self) -> bool:
        """Return when it is over here, and whether it diverged.

        Raises:
            Exception: what a policy raised.
        """
        while not self._core.is_over:
            await _set_or_later(self._changed)
        if self._failure is not None:
            raise self._failure
        return self._core.has_diverged

    async def parameters(self, rounds: int) -> Vector:
        """Return a copy of the current parameters."""
        self._core.follow(rounds)
        return self._core.parameters.copy()

    async def row(self, index: int, rounds: int) -> Vector:
        """Return the parameters at a row of the history, which is at so many gradients here as at the lead."""
        self._core.follow(rounds)
        return self._kept(self._rows, index)

    async def snapshot(self, version: int, rounds: int) -> Vector:
        """Return the parameters at a version, or those that are nearest to it."""
        self._core.follow(rounds)
        return self._kept(self._snapshots, version)

    async def checkpoint(self, rounds: int, is_last: bool) -> dict[str, Any] | None:
        """Return what this shard can go on from beside the lead, whose own state is older; None: it diverged.

        While the run goes on, between two updates; at its end nobody completes one that was begun.
        """
        self._core.follow(rounds)
        while self._core.is_gathering and not (is_last or self._core.is_over):
            await _set_or_later(self._changed)
        return self._core.checkpoint()

    async def finish(self, rounds: int) -> dict[str, Any]:
        """End the run: its report, with the parameters."""
        self._core.follow(rounds)
        report, theta = self._core.finish()
        for name in ("staleness", "rejections"):
            report[name] = [(each.counts, each.tau_sum) for each in report[name]]
        report["tables"] = [
            (update, entries, (seen.counts, seen.tau_sum)) for update, entries, seen in report["tables"]
        ]
        return report | {"theta": theta, "bytes": self._bytes, "refused": self._refused}

    # --- its own

    def _take(self, worker: int, batch: int, version: int, loss: float, packed: Packed) -> bool:
        self._bytes += packed.nbytes
        gradient = self._gradients.unpack(packed)
        try:
            taken = self._core.receive(batch=batch, worker=worker, read=version, loss=loss, gradient=gradient)
        except Exception as error:  # of a policy: the driver's, not this learner's
            self._failure = error
            self._core.request_stop()
            taken = False
        self._refused += not taken and not self._core.is_over
        return taken

    def _read(self) -> Read:
        version = self._core.version
        if self._packed is None or self._packed[0] != version:
            self._packed = version, self._parameters.pack(self._core.parameters).copy()
        self._bytes += self._packed[1].nbytes
        return self._packed

    def _keep(self) -> None:
        """Keep what the core has made, and wake who waits."""
        for _, theta in self._core.take_rows():
            self._rows[self._num_rows] = theta
            self._num_rows += 1
        for theta, version, _, _ in self._core.take_snapshots():
            self._snapshots[version] = theta
        self._notify()

    def _kept(self, slices: dict[int, Vector], key: int) -> Vector:
        """Return one of them, or the current parameters, and forget those before."""
        self._keep()
        for earlier in [each for each in slices if each < key]:
            del slices[earlier]
        return slices.pop(key) if key in slices else self._core.parameters.copy()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def _set_or_later(event: asyncio.Event) -> None:
    """Wait for an event, or for a while."""
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(event.wait(), PATIENCE)


def _own(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state whose arrays may be written to, which those from the object store may not."""
    return {**state, "arrays": {name: array.copy() for name, array in state["arrays"].items()}}
