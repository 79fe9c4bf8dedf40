"""Where the parameters are cut into shards, and the states of shards as that of one server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

State = Mapping[str, Any]
"""Of a checkpoint, as the core makes it; of several servers with those of all but the first under "shards"."""

_VECTORS = ("parameters", "velocity", "movement")


def slices(parameters: int, shards: int) -> list[slice]:
    """Return consecutive slices of all parameters, whose lengths differ by one at most."""
    ends = [parameters * shard // shards for shard in range(shards + 1)]
    return [slice(*pair) for pair in pairwise(ends)]


def joined(states: Sequence[State]) -> dict[str, Any]:
    """Return the states of all shards as one: vectors whole, everything else of each."""
    first, *others = states
    names = [name for name in _VECTORS if name in first["arrays"]]
    whole = {name: np.concatenate([state["arrays"][name] for state in states]) for name in names}
    state = {**first, "arrays": {**first["arrays"], **whole}}
    if others:
        state["shards"] = [{**other, "arrays": _without(other["arrays"], names)} for other in others]
    return state


def parted(state: State, cuts: Sequence[slice]) -> list[dict[str, Any]]:
    """Return the state of each shard."""
    whole = {name: state["arrays"][name] for name in _VECTORS if name in state["arrays"]}
    first = {name: value for name, value in state.items() if name != "shards"}
    parts = []
    for each, cut in zip([first, *state.get("shards", ())], cuts, strict=True):
        arrays = {**each["arrays"], **{name: vector[cut] for name, vector in whole.items()}}
        parts.append({**each, "arrays": arrays})
    return parts


def _without(arrays: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: array for name, array in arrays.items() if name not in names}
