"""A learner: an actor that turns batch numbers and parameters into gradients, on data of its own process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import ray

from asap.architecture import Architecture
from asap.config import TrainConfig
from asap.model import Model
from asap.ray._local import Accumulated, Gradients
from asap.ray._sources import Source
from asap.ray._transport import Transport
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
        in_flight: gradients that are under way at a time: while one travels, the next is computed.
        transport: what travels.
    """

    architecture: Architecture
    source: Source
    config: TrainConfig
    within: Within | None
    in_flight: int
    transport: str


class Learner:
    """Computes what the server hands out, until there is nothing left."""

    def __init__(self, assignment: Assignment) -> None:
        num_parameters = assignment.architecture.to_core().num_parameters
        model = Model(assignment.architecture, np.zeros(num_parameters, np.float32))
        data = model._dataset(assignment.source.load())
        kind = Gradients if assignment.within is None else Accumulated
        self._local = kind(model._network, data, assignment.config, assignment.within)
        self._in_flight = assignment.in_flight
        self._gradients, self._parameters = (Transport(assignment.transport, num_parameters) for _ in range(2))

    def work(self, server: Any, first_worker: int) -> str:
        """Work for a server until the run is over, as so many workers of it; tell why it ended."""
        workers = range(first_worker, first_worker + self._in_flight)
        under_way = {server.join.remote(worker): worker for worker in workers}
        try:
            while under_way:
                (reply,), _ = ray.wait(list(under_way), num_returns=1)
                worker = under_way.pop(reply)
                task = ray.get(reply)
                if task is not None:
                    under_way[self._compute(server, worker, *task)] = worker
        except ray.exceptions.RayActorError:
            return SERVER_LOST
        return DONE

    def _compute(self, server: Any, worker: int, batch: int, version: int, packed: Any) -> Any:
        """Send the gradient of a batch; its memory is free again when this returns, since Ray has copied it."""
        loss, gradient = self._local.compute(batch, self._parameters.unpack(packed))
        return server.push.remote(worker, batch, version, loss, self._gradients.pack(gradient), self._local.staleness())
