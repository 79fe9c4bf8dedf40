"""What a checkpoint says in JSON, and the tensors that belong to it; docs/checkpoints.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asap import _checks, _core
from asap._plain import plain
from asap._run_file import config_of
from asap.architecture import Architecture
from asap.config import MAX_WORKERS, TrainConfig
from asap.corrections import GapAware

Tensors = dict[str, tuple[str, tuple[int | None, ...]]]  # dtype and shape by name; None for any length

_INTEGERS = ("version", "gradients", "num_workers", "sampling_from", "sampled", "last_row_gradients")
_LISTS = ("table_numbers", "table_versions")  # of integers

_TABLES: Tensors = {
    "workers.counts": ("U64", (None, 14)),
    "workers.sums": ("F64", (None, 2)),
    "workers.staleness": ("U64", (None, None)),
    "workers.rejections": ("U64", (None, None)),
    "workers.sampled": ("U64", (None, None)),
    "history.counts": ("U64", (None, 14)),
    "history.sums": ("F64", (None, 5)),
    "figures.counts": ("U64", (None, 2)),
    "figures.sums": ("F64", (None, 3)),
    "counted": ("U64", (None,)),
    "last_row.counts": ("U64", (1, 10)),
    "last_row.sums": ("F64", (1, 2)),
}


@dataclass(frozen=True)
class Saved:
    """What a checkpoint file holds.

    Attributes:
        state: what the core goes on from; its arrays under "arrays".
        architecture: of the model.
        config: the settings of the run.
        samples: number of samples in the training data.
        data: the fingerprint of the training data.
        resumed: the versions from which the run had been resumed before.
    """

    state: dict[str, Any]
    architecture: Architecture
    config: TrainConfig
    samples: int
    data: str
    resumed: tuple[int, ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows of the history so far, as the core tells them."""
        return _core.checkpoint_history(self.state)


def facts(
    architecture: Architecture, config: TrainConfig, samples: int, data: str, resumed: Sequence[int]
) -> dict[str, Any]:
    """Return what stays the same in all checkpoints of a run; `data` is the fingerprint."""
    return {
        "architecture": architecture.to_dict(),
        "config": config.to_dict(),
        "data": {"samples": samples, "fingerprint": data},
        "resumed": list(resumed),
    }


def text(facts: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """Return the JSON of a checkpoint: the facts of its run, and the numbers of the state the core handed over."""
    numbers = _numbers(state)
    if "shards" in state:
        numbers["shards"] = [_numbers(each) for each in state["shards"]]
    return json.dumps(plain({**facts, **numbers}), allow_nan=False)


def tensors(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays of a state by the names that they have in a file."""
    named = dict(state["arrays"])
    for i, each in enumerate(state.get("shards", ())):
        named |= {_of_shard(i, name): array for name, array in each["arrays"].items()}
    return named


def with_tensors(state: Mapping[str, Any], tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Return a state with its arrays, which have those names."""
    shards = [
        {**each, "arrays": {name: tensors[_of_shard(i, name)] for name in each["arrays"]}}
        for i, each in enumerate(state.get("shards", ()))
    ]
    arrays = {name: tensors[name] for name in state["arrays"]}
    return {**state, "arrays": arrays} | ({"shards": shards} if shards else {})


def _of_shard(number: int, name: str) -> str:
    return f"shards.{number}.{name}"


def _numbers(state: Mapping[str, Any]) -> dict[str, Any]:
    numbers = {name: state[name] for name in (*_INTEGERS, *_LISTS, "seconds")}
    return numbers | {"open": len(state["arrays"].get("open", ()))}


def parse(document: Mapping[str, Any]) -> tuple[Saved, Tensors]:
    """Return what a document says, and the tensors that belong to it; KeyError, TypeError, ValueError and the like.

    In place of arrays the state has their names.
    """
    state, tensors = _state(document)
    architecture = Architecture.from_dict(document["architecture"])
    saved = Saved(
        state,
        architecture,
        config_of(document["config"]),
        _checks.integer("samples", document["data"]["samples"], 1),
        str(document["data"]["fingerprint"]),
        tuple(_checks.integer("resumed", each, 0) for each in document["resumed"]),
    )
    if saved.config.checkpoint is None:
        raise ValueError("the run has no checkpoints")
    parameters = architecture.to_core().num_parameters
    vectors: Tensors = {"parameters": ("F32", (parameters,))}
    if saved.config.momentum:
        vectors["velocity"] = vectors["parameters"]
    if isinstance(saved.config.correction, GapAware):
        vectors["movement"] = vectors["parameters"]
    state["arrays"] |= dict.fromkeys(vectors)
    if len(document.get("shards", ())) >= parameters:
        raise ValueError("there are more shards than parameters")
    for i, other in enumerate(document.get("shards", ())):
        shard, own = _state(other)
        state.setdefault("shards", []).append(shard)
        tensors |= {_of_shard(i, name): kind for name, kind in own.items()}
    return saved, vectors | tensors


def _state(document: Mapping[str, Any]) -> tuple[dict[str, Any], Tensors]:
    """Return the state of one server, or the only one, and the tensors that belong to it beside the vectors."""
    state: dict[str, Any] = {name: _checks.integer(name, document[name], 0) for name in _INTEGERS}
    state["seconds"] = _checks.not_negative("seconds", document["seconds"])
    state |= {name: [_checks.integer(name, each, 0) for each in document[name]] for name in _LISTS}
    _checks.integer("num_workers", state["num_workers"], 1, MAX_WORKERS)
    numbers = range(len(state["table_versions"]))
    tensors: Tensors = {f"tables.{i}": ("F64", (None,)) for i in numbers}
    tensors |= {f"seen.{i}": ("U64", (None,)) for i in numbers} | _TABLES
    if num_open := _checks.integer("open", document.get("open", 0), 0):  # of a parameter server only
        tensors["open"] = ("U64", (num_open,))
    state["arrays"] = dict.fromkeys(tensors)
    return state, tensors
