"""What happens within a learner between two exchanges with the server: asynchronous SGD of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from asap import _checks
from asap.config import TrainConfig, as_engine, checked_config
from asap.engines import Engine
from asap.steps import Step, as_step

__all__ = ["Within"]


@dataclass(frozen=True)
class Within:
    """How the workers of a learner train on its copy of the parameters, before what they changed goes to the server.

    A learner gets the parameters θ, its workers train them on so many batches with an engine, a step and a staleness of
    their own, and θ minus where they ended is the update that it sends. So there are two staleness distributions: that
    of these updates, which `step` of `asap.ray.train` scales, and the one within, `run.cluster.within`.

    Args:
        workers: threads of each learner.
        engine: who may read and write the learner's copy when; None: `asap.Leashed()`.
        step: base rate and staleness scale within; a number η is `asap.Constant(η)`. A step that samples τ does so over
            all updates of a learner since it was started, and makes its tables between two exchanges.
        batches: that make an update.
    """

    workers: int = 1
    engine: Engine | None = None
    step: Step | float = 0.01
    batches: int = 16

    def __post_init__(self) -> None:
        object.__setattr__(self, "workers", _checks.integer("workers", self.workers, 1))
        object.__setattr__(self, "engine", as_engine(self.engine))
        object.__setattr__(self, "step", as_step(self.step))
        object.__setattr__(self, "batches", _checks.integer("batches", self.batches, 1))
        self._config(1, 0, 0.0, None)  # refuses what does not fit together

    def _config(
        self, batch_size: int, seed: int, weight_decay: float, correction: Any, step: Step | None = None
    ) -> TrainConfig:
        """Return the settings of a run on the samples of one update, with a step that is the present form of this."""
        return checked_config(
            engine=self.engine,
            step=self.step if step is None else step,
            workers=self.workers,
            batch_size=batch_size,
            epochs=1,
            updates=None,
            seconds=None,
            momentum=0.0,
            weight_decay=weight_decay,
            stop=None,
            seed=seed,
            affinity="none",
            correction=correction,
        )
