"""What a trace costs: the same training without and with one, in turns, and the size of its file.

    python benchmarks/python/trace.py [--workers 2] [--batch-size 64] [--updates 1500] [--pairs 15]

Before anything is timed, a traced run is replayed: its bits must be the run's. The slow-down is the median over pairs
of the ratio of time per update; the quartiles stand beside it. Data is noise in MNIST's shape.
"""

import argparse
import tempfile
import time
from statistics import median, quantiles

import numpy as np

import asap


def main() -> None:
    arguments = parse_arguments()
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (4096, 28, 28), np.uint8), rng.integers(0, 10, 4096).astype(np.int32)
    check(train(data, arguments, trace=True))
    pairs = []
    for i in range(arguments.pairs):  # A B, B A, A B …
        runs = {trace: train(data, arguments, trace) for trace in (i % 2 == 0, i % 2 == 1)}
        pairs.append((runs[False], runs[True]))
    for what, cost in (("wall-clock", wall), ("processor", processor)):
        ratios = [cost(*traced) / cost(*plain) - 1 for plain, traced in pairs]
        low, _, high = quantiles(ratios, n=4)
        print(f"slow-down, {what} time per update: {median(ratios):+.2%} (quartiles {low:+.2%} … {high:+.2%})")
    rate = median(run.updates_per_second for (run, _), _ in pairs)
    stalls = sum(run.trace.stalls for _, (run, _) in pairs)
    print(f"{arguments}: {rate:,.0f} updates/s untraced, {stalls} stalls, isa {asap._core.isa()}")


def train(data: tuple[np.ndarray, np.ndarray], arguments: argparse.Namespace, trace: bool) -> tuple[asap.Run, float]:
    """Return a run and the processor seconds of the process meanwhile."""
    model = asap.models.MLP(data, seed=1)
    begin = time.process_time()
    run = asap.train(
        model,
        data,
        engine=asap.Leashed(),
        workers=arguments.workers,
        batch_size=arguments.batch_size,
        updates=arguments.updates,
        step=0.001,
        trace=trace,
        progress=False,
    )
    return run, time.process_time() - begin


def wall(run: asap.Run, _: float) -> float:
    return run.seconds / run.updates


def processor(run: asap.Run, seconds: float) -> float:
    return seconds / run.updates


def check(traced: tuple[asap.Run, float]) -> None:
    run, _ = traced
    replay = asap.replay(run)
    assert replay.identical, replay
    with tempfile.TemporaryDirectory() as folder:
        size = (run.save(folder) / "trace.bin").stat().st_size
    records = run.trace.records.nbytes
    print(f"{replay}; trace.bin: {records / len(run.trace):.0f} bytes per gradient, {size - records:,} for the rest")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--updates", type=int, default=1500)
    parser.add_argument("--pairs", type=int, default=15)
    return parser.parse_args()


if __name__ == "__main__":
    main()
