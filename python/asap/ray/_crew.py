"""The learners of a run: who dies is replaced, who fails begins anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ray

from asap.cluster import Cluster
from asap.ray._learner import DONE, Assignment, Learner
from asap.ray._servers import Servers

MAX_FAILURES = 3
"""Failures in a row, without a gradient between, after which a learner is given up and the run ends."""

ENDING_SECONDS = 5.0  # for learners to see that the run is over


def cause_of(error: ray.exceptions.RayTaskError) -> Exception:
    """Return what was raised in an actor, as it was there."""
    return error.cause if isinstance(error.cause, Exception) else error


@dataclass
class _Seat:
    """The place of a learner, whoever takes it."""

    number: int
    actor: Any = None
    failures: int = 0
    updates: int = -1  # of the whole run, at the last failure


class Crew:
    """As many learners as there may be; those that Ray has no place for yet come when it has.

    Args:
        assignment: what they are made from.
        options: Ray's options for them.
        cluster: how many; what happens is counted there.
    """

    def __init__(self, assignment: Assignment, options: Mapping[str, Any], cluster: Cluster) -> None:
        self._assignment, self._options, self._cluster = assignment, options, cluster
        self._seats = [_Seat(number) for number in range(cluster.learners)]
        self._working: dict[Any, _Seat] = {}

    @property
    def working(self) -> list[Any]:
        """What they are at: references that are ready when they stop."""
        return list(self._working)

    def start(self, servers: Servers) -> None:
        """Put a learner into every place."""
        for seat in self._seats:
            self._fill(seat, servers)

    def go_on(self, servers: Servers) -> None:
        """Set those to work again who are done: servers that were restored are not."""
        working = {seat.number for seat in self._working.values()}
        for seat in self._seats:
            if seat.actor is not None and seat.number not in working:
                self._set_to_work(seat, servers)

    def settle(self, reference: Any, servers: Servers, updates: int) -> None:
        """See to one that has stopped: it is done, died, failed, or found no server.

        Raises:
            RuntimeError: there was no update since it failed last, several times in a row.
        """
        seat = self._working.pop(reference)
        try:
            if ray.get(reference) == DONE:
                return
        except ray.exceptions.RayActorError as error:
            self._cluster.learner_deaths += 1
            self._count_failure(seat, error, updates)
            servers.tell("lose", self._workers(seat))
            self._fill(seat, servers)
            return
        except ray.exceptions.RayTaskError as error:
            self._cluster.learner_errors += 1
            self._count_failure(seat, cause_of(error), updates)
        self._set_to_work(seat, servers)

    def learners(self, workers: Sequence[int]) -> int:
        """Return how many of them these workers are."""
        return len({worker // self._cluster.in_flight for worker in workers})

    def end(self, present: Sequence[int]) -> None:
        """Let none of them outlive the run; those present see that it is over."""
        there = {worker // self._cluster.in_flight for worker in present}
        ending = [reference for reference, seat in self._working.items() if seat.number in there]
        if ending:
            ray.wait(ending, num_returns=len(ending), timeout=ENDING_SECONDS)
        for seat in self._seats:
            if seat.actor is not None:
                ray.kill(seat.actor)

    @cached_property
    def _learner_class(self) -> Any:
        return ray.remote(Learner).options(**self._options)

    def _fill(self, seat: _Seat, servers: Servers) -> None:
        seat.actor = self._learner_class.remote(self._assignment, seat.number)
        self._set_to_work(seat, servers)

    def _set_to_work(self, seat: _Seat, servers: Servers) -> None:
        self._working[seat.actor.work.remote(servers.handles, self._workers(seat)[0])] = seat

    def _workers(self, seat: _Seat) -> list[int]:
        first = seat.number * self._cluster.in_flight
        return list(range(first, first + self._cluster.in_flight))

    def _count_failure(self, seat: _Seat, error: Exception, updates: int) -> None:
        """Give up when the run gets nowhere."""
        seat.failures = seat.failures + 1 if seat.updates == updates else 1
        seat.updates = updates
        if seat.failures > MAX_FAILURES:
            raise RuntimeError(
                f"learner {seat.number} failed {seat.failures} times in a row, and the run does not get on"
            ) from error
