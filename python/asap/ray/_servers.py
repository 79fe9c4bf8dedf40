"""The parameter server of a run, as those who call it see it: one actor, or one for each shard of the parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import ray
from numpy.typing import NDArray

from asap.config import TrainConfig
from asap.ray._server import Server, Team
from asap.ray._shard import Shard
from asap.ray._slices import parted, slices

Vector = NDArray[np.float32]

PATIENCE = 5.0  # seconds, with shards that may be gone, when a run has failed


class Handles(NamedTuple):
    """The actors: the one that leads, and those of the other shards.

    Attributes:
        lead: hands out batches.
        others: in the order of their slices, behind that of the lead.
    """

    lead: Any
    others: Sequence[Any]

    @property
    def all(self) -> list[Any]:
        """Return them in the order of their slices."""
        return [self.lead, *self.others]


class Servers:
    """All shards of a run, for the driver.

    Args:
        config: the settings of the run.
        samples: number of samples in the training data.
        theta: the parameters to begin with.
        shards: how many there are to be.
        team: whose gradients there are to be.
        transport: what travels.
        options: Ray's options for them.
    """

    def __init__(
        self,
        config: TrainConfig,
        samples: int,
        theta: Vector,
        shards: int,
        team: Team,
        transport: str,
        options: Mapping[str, Any],
    ) -> None:
        self._config, self._samples, self._theta = config, samples, theta
        self._cuts = slices(len(theta), shards)
        self._team, self._transport, self._options = team, transport, options
        self._handles: Handles | None = None

    @property
    def handles(self) -> Handles:
        """The actors that there are now."""
        assert self._handles is not None  # start() made them
        return self._handles

    def start(self, state: Mapping[str, Any] | None) -> None:
        """Make them: at the beginning, or to go on from the state of a checkpoint."""
        self.kill()
        states: Sequence[Any] = [None] * len(self._cuts) if state is None else parted(state, self._cuts)
        settings = [
            (self._config, self._samples, self._theta[cut], each, self._transport)
            for cut, each in zip(self._cuts, states, strict=True)
        ]
        shard, server = (ray.remote(kind).options(**self._options) for kind in (Shard, Server))
        others = [shard.remote(*each) for each in settings[1:]]
        self._handles = Handles(server.remote(*settings[0], others, self._team), others)

    def whole(self, first: Vector, method: str, *arguments: Any) -> Vector:
        """Return a vector of which the lead gave its slice, with what a method of the others gives."""
        others = ray.get([getattr(other, method).remote(*arguments) for other in self.handles.others])
        return np.concatenate([first, *others]) if others else first

    def parameters(self, rounds: int) -> Vector:
        """Return a copy of the current parameters."""
        return np.array(self.whole(ray.get(self.handles.lead.parameters.remote(rounds)), "parameters", rounds))

    def tell(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of all of them, without waiting."""
        return [getattr(each, method).remote(*arguments) for each in self.handles.all]

    def keep_parameters(self, theta: Vector, rounds: int) -> None:
        """After a failure: leave there what was learnt, if all are still there to tell."""
        if self._handles is not None:
            with suppress(ray.exceptions.RayError):  # the failure counts
                reports = ray.get(self.tell("finish", rounds), timeout=PATIENCE)
                theta[:] = np.concatenate([report["theta"] for report in reports])

    def kill(self) -> None:
        """Let none of them outlive its run."""
        for actor in () if self._handles is None else self._handles.all:
            ray.kill(actor)
        self._handles = None
