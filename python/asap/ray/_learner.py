"""A learner: an actor that turns batch numbers and parameters into gradients, on data of its own process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray

from asap.architecture import Architecture
from asap.config import TrainConfig
from asap.model import Model
from asap.ray._local import Accumulated, Gradients
from asap.ray._servers import Handles
from asap.ray._shard import Read
from asap.ray._slices import slices
from asap.ray._sources import Source
from asap.ray._transport import Wire
from asap.ray.within import Within

DONE, SERVER_LOST = "done", "server lost"


@dataclass(frozen=True)
class Assignment:
    """What learners are made from.

    Attributes:
        architecture: of the model.
        source: where the data is loaded from.
        config: the settings of the run.
        within: what happens within a learner; None: it computes gradients.
        shards: of the parameters, each with a server.
        in_flight: gradients that are under way at a time: while one travels, the next is computed.
        transport: what travels.
    """

    architecture: Architecture
    source: Source
    config: TrainConfig
    within: Within | None
    shards: int
    in_flight: int
    transport: str


class Learner:
    """Computes what the server hands out, until there is nothing left.

    Args:
        assignment: what all learners are made from.
        number: which learner of the run it is, as far as data are concerned.
    """

    def __init__(self, assignment: Assignment, number: int) -> None:
        num_parameters = assignment.architecture.to_core().num_parameters
        model = Model(assignment.architecture, np.zeros(num_parameters, np.float32))
        batches = assignment.source.batches(model, assignment.config, number)
        kind = Gradients if assignment.within is None else Accumulated
        self._local = kind(model._network, batches, assignment.config, assignment.within)
        self._in_flight = assignment.in_flight
        self._wire = Wire(assignment.transport, slices(num_parameters, assignment.shards))
        self._skips = assignment.config.on_nonfinite == "skip"

    def work(self, servers: Handles, first_worker: int) -> str:
        """Work for the servers until the run is over, as so many workers of it; tell why it ended."""
        workers = range(first_worker, first_worker + self._in_flight)
        under_way = {}
        try:
            for worker in workers:
                replies = self._expect(servers, worker, servers.lead.join.remote(worker))
                under_way[replies[-1]] = worker, replies
            while under_way:
                (latest,), _ = ray.wait(list(under_way), num_returns=1)
                worker, replies = under_way.pop(latest)
                head, *reads = ray.get(replies)
                if head is not None:
                    replies = self._expect(servers, worker, self._compute(servers, worker, head[0], *reads))
                    under_way[replies[-1]] = worker, replies
        except ray.exceptions.RayActorError:
            return SERVER_LOST
        return DONE

    def _expect(self, servers: Handles, worker: int, task: Sequence[Any]) -> list[Any]:
        """Return all replies that make a task; the other shards are asked as soon as the lead has told the batch."""
        head, read = task
        return [head, read, *(other.pull.remote(worker, head) for other in servers.others)]

    def _compute(self, servers: Handles, worker: int, batch: int, *reads: Read) -> Any:
        """Send the gradient of a batch, and return the next task.

        Its memory is free again when this returns, since Ray has copied it.
        """
        versions, packed = zip(*reads, strict=True)
        loss, gradient = self._local.compute(batch, self._wire.parameters(packed))
        if self._skips and not np.isfinite(gradient).all():
            loss = np.nan  # no shard may take its part of it
        lead, *others = self._wire.parts(gradient)
        taken = [
            other.push.remote(worker, batch, version, loss, part)
            for other, version, part in zip(servers.others, versions[1:], others, strict=True)
        ]
        return servers.lead.push.remote(worker, batch, versions[0], loss, lead, self._local.staleness(), *taken)
