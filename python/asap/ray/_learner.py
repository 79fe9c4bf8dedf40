"""A learner: an actor that turns batch numbers and parameters into gradients, on data of its own process."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import ray

from asap import _core
from asap.architecture import Architecture
from asap.config import TrainConfig
from asap.model import Model
from asap.ray._sources import Source
from asap.ray._transport import Transport

DONE, SERVER_LOST = "done", "server lost"


class Learner:
    """Computes what the server hands out, until there is nothing left.

    Args:
        architecture: of the model.
        source: where the data is loaded from.
        config: the settings of the run.
        in_flight: gradients that are under way at a time: while one travels, the next is computed.
        transport: what travels.
    """

    def __init__(
        self, architecture: Architecture, source: Source, config: TrainConfig, in_flight: int, transport: str
    ) -> None:
        model = Model(architecture, np.zeros(architecture.to_core().num_parameters, np.float32))
        data = model._dataset(source.load())
        self._model, self._data = model, data  # the core looks at them
        self._learner = _core.Learner(model._network, data, config._to_core(len(data)))
        self._gradient = np.empty(model.num_parameters, np.float32)
        self._in_flight = in_flight
        self._gradients, self._parameters = (Transport(transport, model.num_parameters) for _ in range(2))

    def ready(self) -> tuple[int, int]:
        """Return the number of samples, and of the process."""
        return len(self._data), os.getpid()

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
        loss = self._learner.gradient(batch, self._parameters.unpack(packed), self._gradient)
        return server.push.remote(worker, batch, version, loss, self._gradients.pack(self._gradient))
