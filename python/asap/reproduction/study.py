"""A study: what a paper claims, and the comparison that judges it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from asap.datasets import DataSet
from asap.models import Sequential

__all__ = ["Study"]


@dataclass(frozen=True)
class Study:
    """One comparison of a paper's evaluation.

    Attributes:
        name: of its folder.
        title: of its report.
        claim: what the paper says, in our words.
        dataset: name of the data set.
        model: makes the network for the data, with `initialiser=` and `seed=`.
        settings: the arguments of `asap.compare`.
        initialiser: of the network's parameters; the papers' by default.
    """

    name: str
    title: str
    claim: str
    dataset: str
    model: Callable[..., Sequential]
    settings: Mapping[str, Any]
    initialiser: str = "papers"

    @property
    def validate(self) -> str:
        """When test data are evaluated: on threads once the workers have ended, so that it takes no time from them."""
        return "epochs" if "compute" in self.settings else "end"

    def start(self, data: DataSet, seed: int) -> Sequential:
        """Return the network that a run with this seed begins with."""
        return self.model(data, initialiser=self.initialiser, seed=seed)
