"""What a checkpoint costs: the same training without and with many, in turns, and the time to write the file.

    python benchmarks/python/checkpoint.py [--workers 2] [--batch-size 64] [--updates 1500] [--every 100] [--pairs 10]

Before anything is timed, a run is resumed from its checkpoint: its bits must be those of a run that was never
interrupted. The cost is the wall-clock time that a run takes longer, for each of its checkpoints: the pause of the
workers, and what the writing takes away from them (with --no-file: the pause, and the copies for Python). Medians over
pairs, with quartiles. Data is noise in MNIST's shape.
"""

import argparse
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

import numpy as np

import asap
from asap import _checkpoint_file

Data = tuple[np.ndarray, np.ndarray]


def main() -> None:
    arguments = parse_arguments()
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (4096, 28, 28), np.uint8), rng.integers(0, 10, 4096).astype(np.int32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.checkpoint"
        check(data, path)
        writing = timed_writing(arguments.no_file)
        costs = []
        for i in range(arguments.pairs):  # A B, B A, A B …
            written = len(writing)
            runs = {every: train(data, arguments, path, every) for every in in_turn(i, arguments.every)}
            costs.append((runs[arguments.every].seconds - runs[0].seconds) / (len(writing) - written))
        print(f"{arguments}, isa {asap._core.isa()}")
        show("time that a run takes longer, per checkpoint", costs)
        show("time to write one", writing)
        print(f"{path.stat().st_size:,} bytes; {runs[0].seconds / runs[0].updates * 1e3:.3f} ms per update")


def in_turn(i: int, every: int) -> tuple[int, int]:
    return (0, every) if i % 2 == 0 else (every, 0)


def train(data: Data, arguments: argparse.Namespace, path: Path, every: int) -> asap.Run:
    """Return a run with a checkpoint every so many updates, and none for 0."""
    return asap.train(
        asap.models.MLP(data, seed=1),
        data,
        engine=asap.Leashed(),
        workers=arguments.workers,
        batch_size=arguments.batch_size,
        updates=arguments.updates,
        step=0.001,
        momentum=0.5,
        progress=False,
        checkpoint=asap.Checkpoint(path, every, "updates") if every else None,
    )


def timed_writing(no_file: bool) -> list[float]:
    """Let every writing of a checkpoint be timed, or left out; return where the times go."""
    seconds: list[float] = []
    write = _checkpoint_file.write

    def timed(*arguments: Any) -> None:
        begin = time.perf_counter()
        if not no_file:
            write(*arguments)
        seconds.append(time.perf_counter() - begin)

    _checkpoint_file.write = timed
    return seconds


def check(data: Data, path: Path) -> None:
    settings = argparse.Namespace(workers=1, batch_size=64, updates=50)
    train(data, settings, path, 1)
    resumed = asap.resume(path, data, updates=100)
    settings.updates = 100
    assert np.array_equal(resumed.parameters, train(data, settings, path, 0).parameters), "the bits differ"


def show(what: str, seconds: list[float]) -> None:
    low, middle, high = (1e3 * each for each in quantiles(seconds, n=4))
    print(f"{what}: {middle:.2f} ms (quartiles {low:.2f} … {high:.2f}), {len(seconds)} of them")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--updates", type=int, default=1500)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--no-file", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
