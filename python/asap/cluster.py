"""What happened on the cluster during a run: who worked, what was lost, what travelled."""

from __future__ import annotations

from collections.abc import Mapping
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
        learners: how many there were to be.
        in_flight: gradients that each had under way; `workers` of the run is the product of both.
        transport: how vectors travelled.
        learner_deaths: learners that died, and were replaced.
        learner_errors: exceptions in learners, after which they began anew.
        server_restarts: how often the server died, and was restored.
        updates_lost: updates that were published behind the checkpoint that the server was restored from, over all
            restarts. What they had learnt was computed again.
        gradients_refused: gradients that came twice, or too late.
        bytes: of vectors that the server sent and got.
        within: τ within the learners, where several workers of each made its updates; empty otherwise.
    """

    learners: int
    in_flight: int
    transport: str
    learner_deaths: int = 0
    learner_errors: int = 0
    server_restarts: int = 0
    updates_lost: int = 0
    gradients_refused: int = 0
    bytes: int = 0
    within: StalenessDistribution = field(default_factory=lambda: StalenessDistribution([]), compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        values = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "within"}
        return values | {"within": plain(self.within.counts)}

    @classmethod
    def _from_dict(cls, values: Mapping[str, Any]) -> Cluster:
        counts = {
            name: _checks.integer(name, value, 0)
            for name, value in values.items()
            if name not in ("transport", "within")
        }
        within = [_checks.integer("a count of τ", count, 0) for count in values["within"]]
        return cls(
            transport=_checks.text("transport", values["transport"]),
            within=StalenessDistribution(np.array(within, np.uint64)),
            **counts,
        )
