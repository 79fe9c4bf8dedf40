"""Folders of saved runs: run.json, parameters.safetensors and, of traced runs, trace.bin."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from asap import _checks, _trace_file, engines, rates, steps, stops
from asap.config import TrainConfig, checked_config
from asap.environment import Placement
from asap.history import COLUMNS, History
from asap.model import load
from asap.staleness import StalenessDistribution
from asap.trace import Trace

SCHEMA = "asap.run/1"
RUN, PARAMETERS, TRACE = "run.json", "parameters.safetensors", "trace.bin"

COUNTS = (
    "updates",
    "gradients",
    "samples",
    "attempts",
    "drops",
    "rejected",
    "skipped",
    "vectors_high_water",
    "version",
)
"""The results of a run that are whole numbers."""

_STATUSES = ("completed", "stopped", "interrupted", "diverged")
_KINDS = {
    kind.__name__: kind for union in (engines.Engine, steps.Step, rates.Rate, stops.StopRule) for kind in union.__args__
}


def read(folder: Path) -> dict[str, Any]:
    """Return the fields of the run in a folder; ValueError that names the file and what was found in it."""
    path = folder / RUN
    document = _document(path)
    model = load(folder / PARAMETERS)
    parameters = model.parameters.copy()
    parameters.flags.writeable = False
    try:
        fields = _fields(document) | {"model": model, "parameters": parameters}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    traced = fields["config"].trace
    return fields | {"trace": _trace(folder, fields, document["config"]) if traced else None}


def _trace(folder: Path, fields: Mapping[str, Any], config: Mapping[str, Any]) -> Trace:
    trace, of_trace = _trace_file.read(folder / TRACE)
    if (
        of_trace != config
        or len(trace.start) != len(fields["parameters"])
        or len(trace) != fields["gradients"] - fields["skipped"]
    ):
        raise ValueError(f"{folder / TRACE} is of another run than {RUN} beside it")
    return trace


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    results = document["results"]
    return {name: _checks.integer(name, results[name], 0) for name in COUNTS} | {
        "status": _checks.choice("status", document["status"], _STATUSES),
        "seconds": _checks.not_negative("seconds", results["seconds"]),
        "effective_step": math.nan if results["effective_step"] is None else float(results["effective_step"]),
        "history": History([{column: row[column] for column in COLUMNS} for row in document["history"]]),
        "staleness": _distribution(document["staleness"]),
        "rejections": _distribution(document["rejections"]),
        "tables": [steps.ScaleTable(each["update"], np.asarray(each["entries"])) for each in document["tables"]],
        "placement": Placement(**document["placement"]),
        "config": config_of(document["config"]),
        "num_samples": document["data"]["samples"],
        "num_validation_samples": document["data"]["validation_samples"],
        "environment": dict(document["environment"]),
    }


def _distribution(values: Mapping[str, Any]) -> StalenessDistribution:
    counts = np.array(values["counts"], np.uint64)
    distribution = StalenessDistribution(counts, round(values["mean"] * values["total"]))
    distribution.per_worker = [StalenessDistribution(np.array(each, np.uint64)) for each in values["per_worker"]]
    return distribution


def _document(path: Path) -> dict[str, Any]:
    """Return run.json; ValueError that names the file when it is none."""
    if not path.is_file():
        raise FileNotFoundError(f"no such run file: {path}")
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged, or no JSON: {error}") from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"{path} is no run saved by this asap: its schema must be {SCHEMA!r}; got {schema!r}")
    return document  # type: ignore[no-any-return]


def config_of(values: Mapping[str, Any]) -> TrainConfig:
    """Return the settings that `TrainConfig.to_dict` described, checked as those of `asap.train`."""
    return checked_config(**{name: _made(name, value) for name, value in values.items()})


def _made(name: str, value: Any) -> Any:
    """Return the object that a plain value stands for."""
    if isinstance(value, dict):
        parts = {part: _made(part, inner) for part, inner in value.items() if part != "kind"}
        kind = value.get("kind")
        if kind not in _KINDS:
            raise ValueError(f"{name} must have a kind of {', '.join(_KINDS)}; got {kind!r}")
        return _KINDS[kind](**parts)
    if isinstance(value, list):
        return tuple(_made(name, part) for part in value)
    return _NotSaved(value) if name == "scale" and isinstance(value, str) else value


class _NotSaved:
    """Stands for a function of an `asap.Custom` step, of which a file has the name only."""

    def __init__(self, name: str) -> None:
        module, _, self.__qualname__ = name.rpartition(".")
        self.__module__ = module

    def __call__(self, distribution: object) -> Any:
        raise RuntimeError(f"the function {self.__module__}.{self.__qualname__} was not saved with the run")
