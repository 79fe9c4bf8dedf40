"""Folders of saved runs: run.json, parameters.safetensors and, of traced runs, trace.bin."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from asap import _checks, _trace_file, corrections, engines, laws, rates, steps, stops
from asap.checkpoint import Checkpoint
from asap.cluster import Cluster
from asap.config import MAX_WORKERS, TrainConfig, checked_config
from asap.environment import Placement
from asap.history import COLUMNS, History, Row
from asap.losses import COLUMNS as LOSS_COLUMNS
from asap.losses import Losses, Snapshots
from asap.model import load
from asap.simulation import FIGURES, Simulation, checked_simulation, checked_team
from asap.simulation import MAX_WORKERS as MAX_SIMULATED
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
_UNIONS = (engines.Engine, steps.Step, corrections.Correction, rates.Rate, stops.StopRule)
_KINDS = {kind.__name__: kind for union in _UNIONS for kind in union.__args__} | {
    kind.__name__: kind for kind in (Checkpoint, steps.Online, Snapshots)
}
_LAWS = {kind.__name__: kind for kind in laws.Law.__args__}


def read(folder: Path) -> dict[str, Any]:
    """Return the fields of the run in a folder; ValueError that names the file and what was found in it."""
    path = folder / RUN
    values = document(path)
    fields = checked_fields(path, values)
    model = load(folder / PARAMETERS)
    parameters = model.parameters.copy()
    parameters.flags.writeable = False
    fields |= {"model": model, "parameters": parameters}
    traced = fields["config"].trace
    return fields | {"trace": _trace(folder, fields, values["config"]) if traced else None}


def _trace(folder: Path, fields: Mapping[str, Any], config: Mapping[str, Any]) -> Trace:
    trace, of_trace = _trace_file.read(folder / TRACE)
    if (
        of_trace != config
        or len(trace.start) != len(fields["parameters"])
        or trace.first + len(trace.updates) != fields["updates"]
    ):
        raise ValueError(f"{folder / TRACE} is of another run than {RUN} beside it")
    return trace


def checked_fields(path: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that run.json holds; ValueError that names the file and what does not fit."""
    try:
        return _fields(document)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {type(error).__name__}: {error}") from error


def _fields(document: Mapping[str, Any]) -> dict[str, Any]:
    results = document["results"]
    return {name: _checks.integer(name, results[name], 0) for name in COUNTS} | {
        "status": _checks.choice("status", document["status"], _STATUSES),
        "seconds": _checks.not_negative("seconds", results["seconds"]),
        "effective_step": math.nan if (step := results["effective_step"]) is None else _figure("effective_step", step),
        "history": History([_row(row) for row in document["history"]]),
        "losses": _losses(document.get("losses")),
        "staleness": _distribution(document["staleness"]),
        "rejections": _distribution(document["rejections"]),
        "tables": [_table(each) for each in document["tables"]],
        "table_figures": [_table_figures(**each) for each in document["table_figures"]],
        "placement": _placement(**document["placement"]),
        "config": config_of(document["config"], _most_workers(document)),
        "simulation": _simulation(document.get("simulation")),
        "what_if": _checks.flag("what_if", document.get("what_if", False)),
        "cluster": _cluster(document.get("cluster")),
        "num_samples": _checks.integer("samples", document["data"]["samples"], 0),
        "num_validation_samples": _checks.integer("validation_samples", document["data"]["validation_samples"], 0),
        "environment": {name: _word_or_count(name, value) for name, value in document["environment"].items()},
        "resumed": tuple(_checks.integer("resumed", each, 0) for each in document["resumed"]),
    }


def _figure(name: str, value: object) -> Any:
    """Return a number as it is, whole or not."""
    _checks.number(name, value, "a finite number", lambda _: True)
    return value


def _row(values: Mapping[str, Any]) -> Row:
    return {column: None if values[column] is None else _figure(column, values[column]) for column in COLUMNS}


def _losses(rows: object) -> Losses | None:
    """Files of runs without snapshots, or from before there were any, have none."""
    if rows is None:
        return None
    return Losses._of([_loss(row) for row in _checks.instance("losses", rows, list, "a list")])


def _loss(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: None if name == "loss" and row[name] is None else _figure(name, row[name]) for name in LOSS_COLUMNS}
    return values | {"updates": _checks.integer("updates", row["updates"], 0)}


def _table(values: Mapping[str, Any]) -> steps.ScaleTable:
    entries = [_checks.not_negative("a scale", entry) for entry in values["entries"]]
    update = _checks.integer("update", values["update"], 0)
    return steps.ScaleTable(update, np.array(entries, np.float64), _histogram(values["seen"]))


def _table_figures(update: object, **figures: object) -> steps.TableFigures:
    means = {name: _checks.not_negative(name, value) for name, value in figures.items()}
    return steps.TableFigures(_checks.integer("update", update, 0), **means)


def _placement(cpus: object, nodes: object, unpinned: object, pin_error: object, interleave_error: object) -> Placement:
    errors = [
        None if error is None else _checks.instance("an error", error, str, "a string or null")
        for error in (pin_error, interleave_error)
    ]
    return Placement(
        _counts("a CPU", cpus), _counts("a node", nodes), _checks.integer("unpinned", unpinned, 0), *errors
    )


def _counts(name: str, values: object) -> list[int]:
    values = _checks.instance(f"the list of {name}", values, list, "a list")
    return [_checks.integer(name, value, 0) for value in values]


def _word_or_count(name: str, value: object) -> Any:
    return value if isinstance(value, str) else _checks.integer(name, value, 0)


def _distribution(values: Mapping[str, Any]) -> StalenessDistribution:
    mean, total = _figure("mean", values["mean"]), _checks.integer("total", values["total"], 0)
    distribution = _histogram(values["counts"], round(mean * total))
    distribution.per_worker = [_histogram(each) for each in values["per_worker"]]
    return distribution


def _histogram(counts: object, tau_sum: int | None = None) -> StalenessDistribution:
    return StalenessDistribution(np.array(_counts("a count of τ", counts), np.uint64), tau_sum)


def document(path: Path) -> dict[str, Any]:
    """Return run.json; ValueError that names the file when it is none."""
    if not path.is_file():
        raise FileNotFoundError(f"no such run file: {path}")
    try:
        values = json.loads(path.read_bytes(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged, or no JSON: {error}") from error
    schema = values.get("schema") if isinstance(values, dict) else None
    if schema != SCHEMA:
        raise ValueError(f"{path} is no run saved by this asap: its schema must be {SCHEMA!r}; got {schema!r}")
    return values  # type: ignore[no-any-return]


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number of JSON")


def config_of(values: Mapping[str, Any], max_workers: int = MAX_WORKERS) -> TrainConfig:
    """Return the settings that `TrainConfig.to_dict` described, checked as those of `asap.train`."""
    settings = {name: _made(name, value, _KINDS) for name, value in values.items()}
    return checked_config(**settings, max_workers=max_workers)


def _most_workers(document: Mapping[str, Any]) -> int:
    """Return how many workers such a run may have: of those on threads fewer."""
    return MAX_SIMULATED if document.get("simulation") or document.get("what_if") else MAX_WORKERS


def _simulation(values: Mapping[str, Any] | None) -> Simulation | None:
    """Return what `Simulation.to_dict` described, checked as the arguments of `asap.simulate`."""
    if values is None:
        return None
    compute, publish = (_made(name, values[name], _LAWS) for name in ("compute", "publish"))
    team = checked_team(dict(values["team"]))
    figures: dict[str, Any] = {name: _checks.not_negative(name, values[name]) for name in FIGURES}
    return replace(checked_simulation(compute, publish, team, values["row_every"], values["memory_limit"]), **figures)


def _cluster(values: Mapping[str, Any] | None) -> Cluster | None:
    return None if values is None else Cluster._from_dict(values)


def _made(name: str, value: Any, kinds: Mapping[str, Any]) -> Any:
    """Return the object that a plain value stands for."""
    if isinstance(value, dict):
        parts = {part: _made(part, inner, kinds) for part, inner in value.items() if part != "kind"}
        kind = value.get("kind")
        if not isinstance(kind, str) or kind not in kinds:
            raise ValueError(f"{name} must have a kind of {', '.join(kinds)}; got {kind!r}")
        return kinds[kind](**parts)
    if isinstance(value, list):
        return tuple(_made(name, part, kinds) for part in value)
    return NotSaved(value) if name == "scale" and isinstance(value, str) else value


class NotSaved:
    """Stands for a function of an `asap.Custom` step, of which a file has the name only."""

    def __init__(self, name: str) -> None:
        module, _, self.__qualname__ = name.rpartition(".")
        self.__module__ = module

    def __call__(self, distribution: object) -> Any:
        raise RuntimeError(f"the function {self.__module__}.{self.__qualname__} was not saved with the run")
