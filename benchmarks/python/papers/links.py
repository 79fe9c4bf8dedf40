"""What a vector takes on a link: arithmetic, for docs/distributed.md."""

from __future__ import annotations

NETWORKS = {"LeNet, CIFAR-10": 52_202, "ResNet-50": 25_557_032, "a billion": 1_000_000_000}
LINKS = {"20 Mbit/s": 20e6, "1 Gbit/s": 1e9, "25 Gbit/s": 25e9}
FLOAT = 4
"""Bytes of a parameter as float32."""


def exchange_seconds(parameters: int, bits_per_second: float, bytes_per_parameter: int = FLOAT) -> float:
    """Return 2wd/B: parameters one way, a gradient the other, one after the other."""
    return 2 * bytes_per_parameter * parameters * 8 / bits_per_second


def gradients_per_second(parameters: int, bits_per_second: float, bytes_per_parameter: int = FLOAT) -> float:
    """Return B/(wd): what a server's link carries when both ways are in use at the same time."""
    return bits_per_second / (8 * bytes_per_parameter * parameters)


def of_links() -> tuple[list[str], list[list[str]]]:
    """Return header and lines: the exchange of a learner, and the gradients per second at the link of one server."""
    header = ["network", "d", *(f"{link}: exchange, gradients/s" for link in LINKS)]
    lines = [[network, f"{d:,}", *(_cell(d, bits) for bits in LINKS.values())] for network, d in NETWORKS.items()]
    return header, lines


def _cell(parameters: int, bits_per_second: float) -> str:
    rate = gradients_per_second(parameters, bits_per_second)
    return f"{_seconds(exchange_seconds(parameters, bits_per_second))}, {rate:,.3g}"


def _seconds(time: float) -> str:
    return f"{time:,.3g} s" if time >= 1 else f"{1e3 * time:,.3g} ms"
