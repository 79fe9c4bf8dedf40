"""What every case trains: a model, data and settings."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from inspect import signature
from typing import Any

from asap import _checks, _core
from asap._execution import check_columns
from asap._fingerprint import fingerprint
from asap.callbacks import Callback
from asap.config import TrainConfig, checked_config
from asap.environment import environment
from asap.laboratory.case import Case
from asap.laboratory.plan import Plan
from asap.model import DataLike, Model
from asap.run import Run
from asap.simulation import Simulation
from asap.simulator import simulate, simulated_config
from asap.trainer import train

__all__ = ["COMMON", "VALIDATE", "Subject", "checked"]

VALIDATE = ("epochs", "end")
"""When held-out data are evaluated: after each epoch, beside the workers, or once, when they have ended."""

_DIFFER = ("engine", "step", "workers", "seed", "trace", "checkpoint", "compute", "publish")
_TRAIN, _SIMULATE = (
    {name: each.default for name, each in signature(function).parameters.items() if name in names}
    for function, names in (
        (train, TrainConfig.__annotations__),
        (simulate, (*TrainConfig.__annotations__, "compute", "publish", "row_every", "memory_limit")),
    )
)

COMMON = tuple(name for name in {**_TRAIN, **_SIMULATE} if name not in _DIFFER)
"""The arguments of `asap.train` and `asap.simulate` that all cases have in common."""

MakeModel = Callable[[int], Model]
"""Makes a model from a seed."""


@dataclass(frozen=True, eq=False)
class Subject:
    """Model, data and settings.

    Attributes:
        model: makes the model of a seed, or is the one that every case begins with a copy of.
        data: the training data.
        validation: the held-out data, or None.
        settings: the arguments of `asap.train` that all cases have in common.
        timeout: seconds of wall-clock time after which a case is given up; None: never.
        validate: when the held-out data are evaluated, one of `VALIDATE`.
    """

    model: Model | MakeModel
    data: DataLike
    validation: DataLike | None
    settings: Mapping[str, Any]
    timeout: float | None
    validate: str = "epochs"

    def start(self, seed: int) -> Model:
        """Return the model that a case with this seed begins with."""
        if isinstance(self.model, Model):
            return self.model.copy()
        made = self.model(seed) if callable(self.model) else self.model
        return _checks.instance("model", made, Model, "a model, or a function that makes one from a seed")

    def begin(self, plan: Plan) -> Model:
        """Return the model that the first case begins with; refuse what does not fit it, before anything is run."""
        model = self.start(plan.seeds[0])
        for name, data in (("data", self.data), ("validation", self.validation)):
            if data is not None:
                model._dataset(data, name)
        for case in plan.cases():
            config, _ = checked(plan, case, self.settings, model.num_parameters)
            check_columns(config.stop, self.validation is not None, model.architecture.has_classes)
        return model

    def run(self, plan: Plan, case: Case, model: Model, callback: Callback) -> Run:
        """Train the model as the case says, on threads or in virtual time."""
        make = train if case.simulated is None else simulate
        arguments = _arguments(plan, case, self.settings)
        meanwhile = self.validation if self.validate == "epochs" else None
        return make(model, self.data, validation=meanwhile, callbacks=callback, progress=False, **arguments)

    def document(self, run: Run, model: Model) -> dict[str, Any]:
        """Return the run as plain values, with the held-out data evaluated now if that was left for the end."""
        document = run.to_dict()
        if self.validate == "end" and self.validation is not None and document["history"]:
            found = model.evaluate(self.validation)
            document["history"][-1] |= {"validation_loss": found.loss, "accuracy": found.accuracy}
            document["data"]["validation_samples"] = found.samples
        return document

    def identity(self, plan: Plan, case: Case, model: Model) -> dict[str, Any]:
        """Return all that makes a run: what has the same identity need not be run again."""
        place = environment()
        config, simulation = checked(plan, case, self.settings)
        return {
            "config": config.to_dict(),
            **({} if simulation is None else {"simulation": simulation.to_dict()}),
            "model": model.architecture.to_dict() | {"start_crc32": zlib.crc32(model.parameters.data)},
            **self._fingerprints,
            "timeout": self.timeout,
            **({} if self.validate == "epochs" else {"validate": self.validate}),  # older runs say nothing of it
            "environment": {name: place[name] for name in ("asap", "cpu", "isa", "usable_cpus")} | _core.build_info(),
        }

    @cached_property
    def _fingerprints(self) -> dict[str, str | None]:
        model = self.start(0)
        sets = {"data": self.data, "validation": self.validation}
        return {name: None if data is None else fingerprint(model._dataset(data, name)) for name, data in sets.items()}


def checked(
    plan: Plan, case: Case, settings: Mapping[str, Any], num_parameters: int | None = None
) -> tuple[TrainConfig, Simulation | None]:
    """Return the settings of a case, checked, defaults filled in; with the number of parameters also its memory."""
    arguments = _arguments(plan, case, settings)
    if case.simulated is None:
        return checked_config(**{**_TRAIN, **arguments}), None
    return simulated_config(**{**_SIMULATE, **arguments}, num_parameters=num_parameters)


def _arguments(plan: Plan, case: Case, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes a case of `asap.train` or `asap.simulate`, without what only the other one knows."""
    known = _TRAIN if case.simulated is None else _SIMULATE
    return {name: value for name, value in settings.items() if name in known} | plan.arguments(case)
