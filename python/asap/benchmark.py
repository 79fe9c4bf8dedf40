"""How fast asap is on this machine, beside what the machine can do: `asap bench`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from asap import _checks, _core
from asap._watched import shows
from asap.environment import environment

__all__ = ["Benchmark", "bench"]

SCHEMA = "asap.bench/1"

# What an update of the MLP and of LeNet at a batch of 64 spends its time on.
_KERNELS = (
    "gemm NN m=64 n=128 k=784",
    "gemm TN m=784 n=128 k=64",
    "gemm NN m=64 n=128 k=128",
    "gemm NT m=64 n=128 k=128",
    "conv+pool 1x28x28->6 5x5 b=64 forward",
    "conv+pool 1x28x28->6 5x5 b=64 backward weights",
    "conv+pool 6x12x12->16 5x5 b=64 forward",
    "conv+pool 6x12x12->16 5x5 b=64 backward both",
    "copy d=134794",
    "update in place d=134794",
    "update out of place d=134794",
)
_ROUNDS, _SECONDS = 9, 0.01


@dataclass(frozen=True)
class Benchmark:
    """What `bench` measured, on one core.

    Attributes:
        environment: CPU, instruction set and versions.
        peak: GFLOP/s of independent float32 multiply-adds in registers, with the instruction set in use.
        kernels: a row per kernel: name, seconds of a call, rate and limit in the given unit, share = rate / limit. The
            limit of GFLOP/s is the peak, that of GB/s what the best of many simple loops reaches that reads and writes
            as much.
        updates: a row per network and engine: network, engine, batch_size, updates_per_second of one worker, the limit
            that the update's floating-point operations set at the peak, and the share of it.
    """

    environment: dict[str, str | int]
    peak: float
    kernels: list[dict[str, Any]]
    updates: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, with the schema's name."""
        return {
            "schema": SCHEMA,
            "environment": self.environment | {"threads": 1},
            "peak_gflops": self.peak,
            "kernels": self.kernels,
            "updates": self.updates,
        }


def bench(*, batch_size: int = 64, progress: bool | None = None) -> Benchmark:
    """Measure kernels, and whole updates by one worker of each engine on the papers' MLP and LeNet; takes some seconds.

    The answer of each piece of work is first compared with a naive reference; then it is timed in turns with its limit,
    in processor time, and the figures are medians. The data are random.

    Args:
        batch_size: samples in a gradient, at least 1.
        progress: whether to say on standard error what is being measured. None does so in terminals and notebooks only.

    Raises:
        RuntimeError: an answer differs from the reference's.
        TypeError, ValueError: `batch_size` is no integer ≥ 1, or `progress` neither True, False nor None.
    """
    steps = _steps(_checks.integer("batch_size", batch_size, 1))
    said = shows(progress)
    peak = _core.fma_peak(_SECONDS)
    kernels, updates = [], []
    for number, (labels, case) in enumerate(steps, 1):
        if said:
            print(f"{number} of {len(steps)}: {case.name}", file=sys.stderr, flush=True)
        figures = case.measure(_ROUNDS, _SECONDS)
        if labels:
            updates.append(labels | _per_second(figures))
        else:
            kernels.append(figures)
    return Benchmark(environment(), peak, kernels, updates)


def _steps(batch_size: int) -> list[tuple[dict[str, Any], _core.BenchmarkCase]]:
    """Return the cases, kernels first; those of updates with the labels of their rows."""

    def updates() -> Iterator[tuple[dict[str, Any], _core.BenchmarkCase]]:
        for network, engine, case in _core.update_cases(batch_size):
            yield {"network": network, "engine": engine, "batch_size": batch_size}, case

    cases = {case.name: case for case in _core.kernel_cases()}
    return [({}, cases[name]) for name in _KERNELS] + list(updates())


def _per_second(figures: dict[str, Any]) -> dict[str, float]:
    speed = 1 / figures["seconds"]
    return {
        "updates_per_second": speed,
        "limit": speed * figures["limit"] / figures["rate"],
        "share": figures["share"],
    }
