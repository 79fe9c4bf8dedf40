"""What a simulation costs: an update of many simulated workers beside one of sequential training, and their memory.

    python benchmarks/python/simulator.py [--workers 10000] [--batch-size 16] [--updates 40000] [--pairs 2]

Before anything is timed, one simulated worker must have the bits of sequential training. Runs take turns; ratios are
medians over pairs. LeNet on noise in MNIST's shape, log-normal gradient times.
"""

import argparse
import resource
import time
from collections.abc import Callable
from statistics import median

import numpy as np

import asap

Data = tuple[np.ndarray, np.ndarray]
MIB = 1 << 20


def main() -> None:
    arguments = parse_arguments()
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (16_384, 28, 28), np.uint8), rng.integers(0, 10, 16_384).astype(np.int32)
    check(data, arguments)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    pairs, few = [], arguments.updates // 10
    for _ in range(arguments.pairs):
        sequential = seconds_per_update(lambda: train(data, arguments, few), few)
        simulated = seconds_per_update(lambda: simulate(data, arguments, arguments.updates), arguments.updates)
        pairs.append((sequential, simulated))
        print(f"sequential {1e6 * sequential:.1f} µs, {arguments.workers:,} workers {1e6 * simulated:.1f} µs an update")
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    vectors = simulate(data, arguments, 2 * arguments.workers).vectors_high_water
    size = asap.models.LeNet(data).num_parameters * 4 / MIB
    print(f"ratio of time per update: {median(simulated / sequential for sequential, simulated in pairs):.3f}")
    print(f"memory: grew by {grown:,.0f} MiB; {vectors:,} vectors of {size:.3f} MiB are {vectors * size:,.0f} MiB")
    print(f"{arguments}, isa {asap._core.isa()}")


def train(data: Data, arguments: argparse.Namespace, updates: int) -> asap.Run:
    return asap.train(
        asap.models.LeNet(data, seed=1),
        data,
        engine=asap.engines.Sequential(),
        step=1e-5,
        batch_size=arguments.batch_size,
        updates=updates,
        progress=False,
    )


def simulate(data: Data, arguments: argparse.Namespace, updates: int, workers: int | None = None) -> asap.Run:
    return asap.simulate(
        asap.models.LeNet(data, seed=1),
        data,
        engine=asap.Locked(),
        workers=workers or arguments.workers,
        compute=asap.LogNormal(1.0, 0.3),
        step=1e-5,
        batch_size=arguments.batch_size,
        updates=updates,
        progress=False,
    )


def seconds_per_update(run: Callable[[], asap.Run], updates: int) -> float:
    begin = time.perf_counter()
    run()
    return (time.perf_counter() - begin) / updates


def check(data: Data, arguments: argparse.Namespace) -> None:
    trained, simulated = train(data, arguments, 300), simulate(data, arguments, 300, workers=1)
    assert np.array_equal(trained.parameters, simulated.parameters)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=10_000)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--updates", type=int, default=40_000)
    parser.add_argument("--pairs", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
