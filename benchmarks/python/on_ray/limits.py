"""What Ray's object stores do with vectors of a size: one way, both ways, on one node and between two."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from on_ray.exchange import Exchange

WAYS = ("nothing", "take", "swap")


def limits(sizes: dict[str, int], seconds: float) -> Iterator[dict[str, Any]]:
    """Return, of vectors of so many floats, a row for each place of the two actors."""
    for what, floats in sizes.items():
        for apart in (False, True):
            exchange = Exchange(floats, apart=apart)
            rates = {way: exchange.measure(way, seconds) for way in WAYS}
            exchange.end()
            yield {
                "vector": what,
                "bytes": 4 * floats,
                "nodes": 2 if apart else 1,
                "call_seconds": rates["nothing"].median,
                "take_seconds": rates["take"].median,
                "take_bytes_per_second": 4 * floats * rates["take"].per_second,
                "swap_seconds": rates["swap"].median,
                "swap_bytes_per_second": 2 * 4 * floats * rates["swap"].per_second,
            }
