"""Updates per second with affinity none, compact and scatter in turns, after checking that all give the same bits.

    python benchmarks/python/affinity.py [--workers 2] [--repeats 9] [--seconds 1] [--batch-size 64] [--json FILE]

Data are random bytes in MNIST's shape. One worker must give the same parameters wherever it runs; then each round times
all three, and ratios are taken within a round, of updates per second of wall clock and of processor time: the first
is what a user gets, the second does not count time that other processes took. With one NUMA node all ought to be 1.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import time
from typing import Any

import numpy as np

import asap
from asap.config import AFFINITIES
from asap.environment import environment, topology

Data = tuple[np.ndarray, np.ndarray]

SAMPLES = 60_000
MODELS = {"mlp": asap.models.MLP, "lenet": asap.models.LeNet}
ENGINES = {"hogwild": asap.Hogwild(), "leashed": asap.Leashed()}


def check_bits(name: str, data: Data) -> None:
    """Refuse to time placements that change a result."""
    runs = [asap.train(MODELS[name](data), data, workers=1, updates=200, affinity=word) for word in AFFINITIES]
    if not all(np.array_equal(run.parameters, runs[0].parameters) for run in runs):
        raise SystemExit("one worker gives other parameters where it is bound: nothing to compare")


def rates(name: str, engine: str, affinity: str, data: Data, arguments: argparse.Namespace) -> dict[str, float]:
    """Updates per second of wall clock, and per second that every worker had of its processor."""
    model, start = MODELS[name](data), time.process_time()
    run = asap.train(
        model,
        data,
        engine=ENGINES[engine],
        workers=arguments.workers,
        batch_size=arguments.batch_size,
        seconds=arguments.seconds,
        affinity=affinity,
        progress=False,
    )
    if run.placement.unpinned:
        raise SystemExit("the system refuses to bind workers: nothing to compare")
    busy = time.process_time() - start
    return {"wall": run.updates_per_second, "processor": run.updates * arguments.workers / busy}


def measure(name: str, engine: str, data: Data, arguments: argparse.Namespace) -> dict[str, Any]:
    """Medians, and the ratios to none within each round, the first round uncounted."""
    rounds = [
        {word: rates(name, engine, word, data, arguments) for word in AFFINITIES} for _ in range(arguments.repeats + 1)
    ][1:]
    clocks = {}
    for clock in ("wall", "processor"):
        medians = {word: statistics.median(each[word][clock] for each in rounds) for word in AFFINITIES}
        ratios = {word: sorted(each[word][clock] / each["none"][clock] for each in rounds) for word in AFFINITIES[1:]}
        clocks[clock] = {"updates_per_second": medians, "ratios_to_none": ratios}
    return {"model": name, "engine": engine, **clocks}


def main() -> None:
    """Print a table, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=list(ENGINES))
    parser.add_argument("--json")
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    data = (random.integers(0, 256, (SAMPLES, 28, 28), np.uint8), random.integers(0, 10, SAMPLES))
    rows = []
    print("model  engine   clock       none  compact/none (min – max)  scatter/none (min – max), updates/s, medians")
    for name in arguments.models:
        check_bits(name, data)
        for engine in arguments.engines:
            row = measure(name, engine, data, arguments)
            rows.append(row)
            for clock in ("wall", "processor"):
                none = row[clock]["updates_per_second"]["none"]
                ratios = row[clock]["ratios_to_none"].values()
                shown = [f"{statistics.median(r):.3f} ({r[0]:.3f} – {r[-1]:.3f})" for r in ratios]
                print(f"{name:5}  {engine:7}  {clock:9}  {none:5.0f}  " + "  ".join(shown), flush=True)
    if arguments.json:
        commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
        known = {"commit": commit} | dict(environment()) | topology() | {"workers": arguments.workers}
        with open(arguments.json, "w") as file:
            json.dump({"environment": known, "rows": rows}, file, indent=1)


if __name__ == "__main__":
    main()
