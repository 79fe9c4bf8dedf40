"""What a simulation costs: an update of many simulated workers beside one of sequential training, and their memory.

    python benchmarks/python/simulator.py [--workers 10000] [--batch-size 16] [--updates 40000] [--pairs 5]
        [--json FILE]

Before anything is timed, one simulated worker must have the bits of sequential training. Runs take turns, those of pair
k with seed k of start and batches; ratios are taken pair by pair. Times are of the processor, of which other programs
take nothing. LeNet on noise in MNIST's shape, log-normal gradient times.
"""

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

import asap
from asap.environment import environment

Data = tuple[np.ndarray, np.ndarray]
MIB = 1 << 20


def main() -> None:
    arguments = parse_arguments()
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (16_384, 28, 28), np.uint8), rng.integers(0, 10, 16_384).astype(np.int32)
    check(data, arguments)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pairs, few = [], arguments.updates // 10
    for seed in range(1, arguments.pairs + 1):
        sequential = per_update(lambda seed=seed: train(data, arguments, few, seed), few)
        simulated = per_update(lambda seed=seed: simulate(data, arguments, arguments.updates, seed), arguments.updates)
        pairs.append((sequential, simulated))
        print(
            f"seed {seed}: sequential {1e6 * sequential:.1f} µs, "
            f"{arguments.workers:,} workers {1e6 * simulated:.1f} µs an update"
        )
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    vectors = simulate(data, arguments, 2 * arguments.workers, 1).vectors_high_water
    size = asap.models.LeNet(data).num_parameters * 4 / MIB
    ratios = [simulated / sequential for sequential, simulated in pairs]
    print(f"ratio of time per update: {median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
    print(f"memory: grew by {grown:,.0f} MiB; {vectors:,} vectors of {size:.3f} MiB are {vectors * size:,.0f} MiB")
    print(f"{arguments}, isa {asap._core.isa()}")
    if arguments.json:
        figures = {
            "environment": environment(),
            "settings": {name: value for name, value in vars(arguments).items() if name != "json"},
            "pairs": [
                {"seed": seed, "sequential_us": 1e6 * sequential, "simulated_us": 1e6 * simulated}
                for seed, (sequential, simulated) in enumerate(pairs, 1)
            ],
            "ratio": {"median": median(ratios), "least": min(ratios), "most": max(ratios)},
            "vectors_high_water": vectors,
            "vectors_mib": vectors * size,
        }
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n")


def train(data: Data, arguments: argparse.Namespace, updates: int, seed: int) -> asap.Run:
    return asap.train(
        asap.models.LeNet(data, seed=seed),
        data,
        engine=asap.engines.Sequential(),
        step=1e-5,
        batch_size=arguments.batch_size,
        updates=updates,
        seed=seed,
        progress=False,
    )


def simulate(
    data: Data, arguments: argparse.Namespace, updates: int, seed: int, workers: int | None = None
) -> asap.Run:
    return asap.simulate(
        asap.models.LeNet(data, seed=seed),
        data,
        engine=asap.Locked(),
        workers=workers or arguments.workers,
        compute=asap.LogNormal(1.0, 0.3),
        step=1e-5,
        batch_size=arguments.batch_size,
        updates=updates,
        seed=seed,
        progress=False,
    )


def per_update(run: Callable[[], asap.Run], updates: int) -> float:
    """Seconds of processor time."""
    begin = time.process_time()
    run()
    return (time.process_time() - begin) / updates


def check(data: Data, arguments: argparse.Namespace) -> None:
    trained, simulated = train(data, arguments, 300, 1), simulate(data, arguments, 300, 1, workers=1)
    assert np.array_equal(trained.parameters, simulated.parameters)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=10_000)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--updates", type=int, default=40_000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where the figures go as well")
    return parser.parse_args()


if __name__ == "__main__":
    main()
