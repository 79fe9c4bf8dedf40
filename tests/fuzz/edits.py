"""Edits of JSON documents by bytes: what a fuzzer changes where random bytes would hardly ever be JSON."""

from __future__ import annotations

import copy
import json
from typing import Any

STRANGE: list[Any] = [
    *(None, True, False, 0, 1, -1, 7, 255, 2**31, 2**63, 2**64, 10**400),
    *(0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf")),
    *("", "x", "\0", "é", "0", "Leashed", "completed", "softmax-cross-entropy"),
    *(
        [],
        [[]],
        [0],
        [1, 2, 3],
        [-1.5],
        ["x"],
        [None],
        [[1], [2, 3]],
        {},
        {"x": {}},
        {"kind": "Leashed"},
        {"kind": "x"},
    ),
]
"""What a place gets instead."""

DELETE, SWAP = "delete", "swap"
ACTIONS = [*STRANGE, DELETE, SWAP]
BYTES_PER_EDIT, MOST_BYTES = 3, 24
CONTAINERS = {dict, list}


def edited(text: bytes, data: bytes) -> Any:
    """Return the document of a text with an edit per three bytes, some at most: two say where, one says what."""
    document = json.loads(text)
    places = _places(document)
    for i in range(0, min(len(data), MOST_BYTES) - BYTES_PER_EDIT + 1, BYTES_PER_EDIT):
        if not places:
            break
        where, what = int.from_bytes(data[i : i + 2], "big"), data[i + 2]
        if _edit(*places[where % len(places)], ACTIONS[what % len(ACTIONS)], places[what % len(places)]):
            places = _places(document)
    return document


def _places(document: Any) -> list[tuple[Any, Any]]:
    """Return every place of a document as its container and the key or index in it, level by level."""
    places: list[tuple[Any, Any]] = []
    containers = [document]
    for container in containers:  # which more are added to on the way
        for key, part in container.items() if type(container) is dict else enumerate(container):
            places.append((container, key))
            if type(part) in CONTAINERS:
                containers.append(part)
    return places


def _edit(container: Any, key: Any, action: Any, other: tuple[Any, Any]) -> bool:
    """Edit one place; return whether places went or came with that."""
    before = container[key]
    if action is DELETE:
        del container[key]
        return True
    after = copy.deepcopy(other[0][other[1]] if action is SWAP else action)
    container[key] = after
    return type(before) in CONTAINERS or type(after) in CONTAINERS
