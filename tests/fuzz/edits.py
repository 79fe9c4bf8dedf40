"""Edits of JSON documents by bytes: what a fuzzer changes where random bytes would hardly ever be JSON."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
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


def edited(text: bytes, data: bytes) -> Any:
    """Return the document of a text with an edit per three bytes, some at most: two say where, one says what."""
    document = json.loads(text)
    for i in range(0, min(len(data), MOST_BYTES) - BYTES_PER_EDIT + 1, BYTES_PER_EDIT):
        places = list(_places(document))
        if not places:
            break
        where, what = int.from_bytes(data[i : i + 2], "big"), data[i + 2]
        _edit(*places[where % len(places)], ACTIONS[what % len(ACTIONS)], places[what % len(places)])
    return document


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every place of a document as its container and the key or index in it."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in entries:
        yield value, key
        yield from _places(part)


def _edit(container: Any, key: Any, action: Any, other: tuple[Any, Any]) -> None:
    if action is DELETE:
        del container[key]
    elif action is SWAP:
        container[key] = copy.deepcopy(other[0][other[1]])
    else:
        container[key] = copy.deepcopy(action)
