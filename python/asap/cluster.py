"""What happened on the cluster during a run: who worked, what was lost, what travelled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from asap import _checks
from asap._plain import plain
from asap.staleness import StalenessDistribution

__all__ = ["Cluster"]


@dataclass
class Cluster:
    """How a run was distributed, and what went wrong on the way; see `asap.ray.train`.

    Attributes:
        learners: how many there were to be, at most.
        in_flight: gradients that each had under way; `workers` of the run is the product of both.
        transport: how vectors travelled.
        min_learners: with how many it began, at least.
        shards: of the parameters, each with a server.
        learner_deaths: learners that died, and were replaced.
        learner_errors: exceptions in learners, after which they began anew.
        server_restarts: how often the server died, and was restored.
        updates_lost: updates that were published behind the checkpoint that the server was restored from, over all
            restarts. What they had learnt was computed again.
        gradients_refused: gradients that came twice, or too late.
        bytes: of vectors that the servers sent and got.
        team: (updates published, learners present) whenever the driver saw that number change.
        shard_staleness: τ at each shard, which has versions of its own; the first is `staleness` of the run.
        within: τ within the learners, where several workers of each made its updates; empty otherwise.
    """

    learners: int
    in_flight: int
    transport: str
    min_learners: int = 1
    shards: int = 1
    learner_deaths: int = 0
    learner_errors: int = 0
    server_restarts: int = 0
    updates_lost: int = 0
    gradients_refused: int = 0
    bytes: int = 0
    team: list[tuple[int, int]] = field(default_factory=list)
    shard_staleness: list[StalenessDistribution] = field(default_factory=list, compare=False)
    within: StalenessDistribution = field(default_factory=lambda: StalenessDistribution([]), compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        shards = [plain(each.counts) for each in self.shard_staleness]
        return values | {"team": plain(self.team), "shard_staleness": shards, "within": plain(self.within.counts)}

    @classmethod
    def _from_dict(cls, values: Mapping[str, Any]) -> Cluster:
        others = ("transport", "team", "shard_staleness", "within")
        numbers = {name: _checks.integer(name, value, 0) for name, value in values.items() if name not in others}
        return cls(
            transport=_checks.text("transport", values["transport"]),
            team=[(_checks.integer("team", update, 0), _checks.integer("team", n, 0)) for update, n in values["team"]],
            shard_staleness=[_distribution(counts) for counts in values["shard_staleness"]],
            within=_distribution(values["within"]),
            **numbers,
        )


def _distribution(counts: Sequence[Any]) -> StalenessDistribution:
    return StalenessDistribution(np.array([_checks.integer("a count of τ", each, 0) for each in counts], np.uint64))
